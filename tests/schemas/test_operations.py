"""Templates of operation names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.operations import _GENERATED, _may_be_generated, normalize_operation

UUID = "123e4567-e89b-12d3-a456-426614174000"


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("GET /users/8231", "GET /users/{id}"),
        ("HTTP GET /users/8231/", "HTTP GET /users/{id}/"),
        ("/users?id=5", "/users"),
        ("/users#top", "/users"),
        ("/?a", "/"),
        ("http://stock:8080/items/5?q=1", "http://stock:8080/items/{id}"),
        ("https://stock?q=1", "https://stock"),
        (f"/orders/{UUID}", "/orders/{id}"),
        (f"/orders/{{{UUID}}}", "/orders/{id}"),
        (f"/orders/order-{UUID}/lines", "/orders/order-{id}/lines"),
        ("/orders/507f1f77bcf86cd799439011", "/orders/{id}"),
        ("/orders/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/orders/{id}"),
        ("/days/2026-01-31", "/days/{id}"),
        ("/map/51.5074/-0.1278", "/map/{id}/{id}"),
        ("/images/0a1b2c3d4e5f.png", "/images/{id}.png"),
        ("/cart/7;jsessionid=AF01/lines", "/cart/{id}/lines"),
        ("GET /users/jane.doe+x@mail.example.org/mails", "GET /users/{id}/mails"),
        ("mail to jane@example.org", "mail to {id}"),
        ("Job$$Lambda$772/0x00000008013a1c40.run", "Job$$Lambda.run"),
        ("Job$$Lambda/0x00007f.run", "Job$$Lambda.run"),
        ("com.acme.Orders$$SpringCGLIB$$0.place", "com.acme.Orders$$SpringCGLIB.place"),
        ("com.acme.Orders$$EnhancerBySpringCGLIB$$1a2b3c4d.place", "com.acme.Orders$$EnhancerBySpringCGLIB.place"),
        ("$Proxy123.call", "$Proxy.call"),
        ("process amq.gen-Xa94kcQ5mRtGFw7vn0z3Bg", "process amq.gen-{id}"),
        ("spring.gen-tRb7_xQ2Sk2bOq-1 receive", "spring.gen-{id} receive"),
        (f"send {UUID}", "send {id}"),
        ("send 01ARZ3NDEKTSV4RRFFQ69G5FAV", "send {id}"),
        ("GET /orders/ord_01ARZ3NDEKTSV4RRFFQ69G5FAV", "GET /orders/ord_{id}"),
        ("build da39a3ee5e6b4b0d3255bfef95601890afd80709", "build {id}"),
        ("/assets/_app-9b4be1f02c7d33aa.js", "/assets/_app-{id}.js"),
        (f"SELECT * FROM t WHERE id = '{UUID}'", "SELECT * FROM t WHERE id = '{id}'"),
    ],
)
def test_ids_become_templates(name: str, template: str) -> None:
    assert normalize_operation(name) == template


@pytest.mark.parametrize(
    "name",
    [
        "/api/{verifyCode}",
        "/users/{id}/orders/{order?}",
        "/users/:id",
        "/users/<int:id>",
        "/v1/users",
        "/api/1.0/users",
        "/errors/error-404",
        "/words/deadbeefcafe",
        "oteldemo.CartService/AddItem",
        "SELECT * FROM users WHERE id = 8231",
        "SELECT /*5*/",
        "/* 5 */ SELECT 1",
        "process batch 17",
        "GET /npm/lodash@4.17.21/lodash.js",
        "GET /@scope/package",
        "job_of_1234567890123456",
        "Orders$Inner.place",
        "process amq.topic",
        "deadbeefdeadbeefdeadbeef",
        "8231",
        "GET",
        "?",
        "//",
    ],
)
def test_templates_and_plain_names_stay(name: str) -> None:
    assert normalize_operation(name) == name


@given(st.text(max_size=60) | st.text("/?#{}0aF-.: ;GET", max_size=60))
def test_a_template_is_its_own_template_and_never_empty(name: str) -> None:
    template = normalize_operation(name)
    assert normalize_operation(template) == template
    assert bool(template) == bool(name)


_PARTS = (
    *("$$Lambda$772/0x0000000801a3", "amq.gen-Xa94kcQ5mR", "a@b.com", "abcdefab-abcd-abcd-abcd-abcdefabcdef", "-"),
    *("123e4567-e89b-12d3-a456-426614174000", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "0123456789abcdef", "$Proxy12", "x", " "),
)


@given(st.lists(st.sampled_from(_PARTS) | st.text("$@gen-0aF. ", max_size=9), max_size=6).map("".join))
def test_what_is_not_looked_at_closer_holds_nothing_generated(name: str) -> None:
    assert _may_be_generated(name) or _GENERATED.search(name) is None


def test_the_cache_is_bounded() -> None:
    for number in range(20_000):
        normalize_operation(f"operation {number}")
    information = normalize_operation.cache_info()
    assert information.maxsize is not None
    assert information.currsize <= information.maxsize
