"""What every route of the console keeps, whichever there are: who may, which errors in which form."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.console.asking import Asking, asking
from tracehound.console.store.engine import Store
from tracehound.console.web.openapi import role_of, routes_of
from tracehound.console.web.roles import ROLES, Role
from tracehound.streams.http.keys import new_key

OPEN = {
    ("GET", "/livez"): "asked by what restarts processes, which holds no keys; says nothing but that it answers",
    ("GET", "/readyz"): "asked by load balancers, which hold no keys; says at most that Kafka or the store is away",
    ("GET", "/openapi.json"): "is public with the program",
    ("POST", "/api/v1/session"): "asks for a key itself, in its body",
    ("DELETE", "/api/v1/session"): "tells the browser to forget, which needs no leave",
}
"""Routes that need no key, and why."""
Route = tuple[str, str, Role | None]


@pytest.fixture
def console(store: Store) -> Iterator[Asking]:
    with asking(store, refused_per_minute=100_000) as asked:
        yield asked


def routes(console: Asking) -> list[Route]:
    app: Any = console.client.app
    found = [
        (method, str(route.path_format), role_of(route))
        for route in routes_of(app)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]
    assert len(found) >= 8
    return found


def path_of(path: str) -> str:
    return re.sub(r"{[^}]*}", "th_00000000", path)


def assert_problem(answer: Any, status: int) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    told = answer.json()
    assert {"title", "status", "detail", "reason"} <= told.keys()
    assert told["status"] == status
    assert told["detail"].endswith(".")


def test_every_route_refuses_without_a_key_with_a_wrong_one_and_with_a_wrong_role(console: Asking) -> None:
    stranger = new_key()
    tried = 0
    for method, path, role in routes(console):
        if role is None:
            assert (method, path) in OPEN
            continue
        right = console.keys[role]
        hostile: tuple[Any, ...] = (
            {},
            {"authorization": "Basic dTpw"},
            {"authorization": f"Bearer {right.key[:-1]}"},
            {"authorization": f"Bearer {right.prefix}"},
            {"x-api-key": right.sha256},
            {"x-api-key": stranger.key},
            {b"x-api-key": b"\xe9" * 50},
            {"cookie": f"tracehound_session={right.prefix}"},
        )
        for headers in hostile:
            answer = console.client.request(method, path_of(path), headers=headers)
            assert_problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert right.key not in answer.text
        for lower in ROLES[: ROLES.index(role)]:
            tried += 1
            answer = console.client.request(method, path_of(path), headers={"x-api-key": console.keys[lower].key})
            assert_problem(answer, 403)
    assert tried >= 3


def test_nothing_of_a_route_is_looked_at_before_it_is_known_who_asks(console: Asking) -> None:
    for method, path, role in routes(console):
        if role is not None:
            answer = console.client.request(method, path_of(path) + "?limit=-1&nonsense=1")
            assert_problem(answer, 401)


def test_methods_that_a_path_has_not_are_405_and_paths_that_are_not_are_404(console: Asking) -> None:
    known: dict[str, set[str]] = {}
    for method, path, _ in routes(console):
        known.setdefault(path, set()).add(method)
    for path, methods in known.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
            answer = console.client.request(method, path_of(path), headers=bearer(console, "admin"))
            if answer.status_code != 404:  # (another path of this form has the method, and lacks such a thing)
                assert_problem(answer, 405)
                assert set(answer.headers["allow"].replace(" ", "").split(",")) >= methods - {"HEAD"}
        assert_problem(console.client.get(path_of(path) + "/no/such/path", headers=bearer(console, "admin")), 404)


def test_what_is_read_answers_head_as_it_answers_get_without_a_body(console: Asking) -> None:
    for method, path, role in routes(console):
        if method != "GET" or path in ("/api/v1/stream", "/metrics"):  # it does not end; it counts what it is asked
            continue
        headers = bearer(console, role) if role is not None else {}
        got, head = (console.client.request(one, path_of(path), headers=headers) for one in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (got.status_code, b"")
        told = ("content-type", "content-length", "etag", "cache-control", "vary")
        assert [head.headers.get(name) for name in told] == [got.headers.get(name) for name in told], path
        if role is not None:
            assert console.client.request("HEAD", path_of(path)).status_code == 401


def test_what_would_be_streamed_is_not_made_for_head(console: Asking) -> None:
    for path, parameters in (("/stream", {}), ("/anomalies", {"format": "csv"}), ("/anomalies", {"format": "jsonl"})):
        head = console.ask("HEAD", path, "viewer", params=parameters)
        assert (head.status_code, head.content) == (200, b"")


def test_a_filter_that_may_be_given_once_is_refused_twice_and_others_add_up(console: Asking) -> None:
    twice = console.ask("GET", "/anomalies", "viewer", params={"application": ["shop", "cart"]})
    assert_problem(twice, 400)
    assert twice.json()["mistakes"] == [{"at": "query.application", "rule": "it must be given once"}]
    both = console.ask("GET", "/anomalies", "viewer", params={"severity": ["minor", "major"]})
    assert both.status_code == 200


def test_hostile_cursors_and_pages_are_400(console: Asking) -> None:
    tried = 0
    for path, parameters in parameters_of(console):
        for name, wrong in (
            *(("cursor", one) for one in ("x", "e30.e30", "W10.abc", "%00", "\x00", "a" * 1_500, "é", "null")),
            *(("limit", one) for one in ("0", "-1", "1001", "999999999999999999999", "x", "")),
            *(("since", one) for one in ("yesterday", "2h ago", "\x00", "2026-13-01T00:00:00Z", "1" * 400)),
            *(("sort", one) for one in ("id; drop table", "\x00")),
            *(("format", one) for one in ("xml", "\x00")),
            ("no_such_filter", "1"),
        ):
            if name in parameters or (name == "no_such_filter" and "cursor" in parameters):
                tried += 1
                answer = console.client.get(path_of(path), params={name: wrong}, headers=bearer(console, "admin"))
                assert_problem(answer, 400)
    assert tried >= 60


def test_a_cursor_is_good_for_its_own_list_only(console: Asking) -> None:
    for _ in range(3):
        assert console.ask("POST", "/keys", json={"name": "more"}).status_code == 201
    cursor = console.ask("GET", "/audit", params={"limit": 1}).json()["next"]
    assert console.ask("GET", "/audit", params={"limit": 2, "cursor": cursor}).status_code == 200
    assert_problem(console.ask("GET", "/audit", params={"cursor": cursor, "by": "somebody"}), 400)
    assert_problem(console.ask("GET", "/anomalies", params={"cursor": cursor}), 400)
    # (not the last one: some of its bits mean nothing)
    forged = f"{cursor[:-9]}{'B' if cursor[-9] == 'A' else 'A'}{cursor[-8:]}"
    assert_problem(console.ask("GET", "/audit", params={"cursor": forged}), 400)


def test_bodies_that_are_too_long_or_of_another_kind_are_refused(console: Asking) -> None:
    for method, path, role in routes(console):
        if method == "GET" or role is None:
            continue
        json = {**bearer(console, role), "content-type": "application/json"}
        assert_problem(console.client.request(method, path_of(path), content=b" " * 1_000_001, headers=json), 413)
        chunks = (b" " * 100_000 for _ in range(11))
        assert_problem(console.client.request(method, path_of(path), content=chunks, headers=json), 413)
        for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            headers = {**bearer(console, role), "content-type": media_type}
            answer = console.client.request(method, path_of(path), content=b"{}", headers=headers)
            assert_problem(answer, 415)


def test_bodies_that_are_none_are_400(console: Asking) -> None:
    document = console.client.app.openapi()  # type: ignore[attr-defined]
    tried = 0
    for method, path, role in routes(console):
        if role is None or "requestBody" not in document["paths"][path][method.lower()]:
            continue
        tried += 1
        headers = {**bearer(console, role), "content-type": "application/json"}
        for body in (b"", b"{", b"[]", b"null", b"1", b'"\xff"', b'{"no_such_member": 1}', b"[" * 100_000):
            assert_problem(console.client.request(method, path_of(path), content=body, headers=headers), 400)
    assert tried


def test_a_failure_of_ours_is_500_without_its_cause(console: Asking) -> None:
    def fail() -> None:
        raise RuntimeError("a secret")

    app: Any = console.client.app
    app.add_api_route("/fails", fail)
    answer = console.client.get("/fails")
    assert_problem(answer, 500)
    assert "secret" not in answer.text


def test_a_store_that_is_away_is_503(tmp_path: Any) -> None:
    store = Store(f"sqlite:///{tmp_path}/gone.db")
    store.migrate()
    with asking(store) as console:
        store.close()
        for file in tmp_path.iterdir():
            file.unlink()
        tmp_path.rmdir()
        answer = console.ask("GET", "/anomalies")
        assert_problem(answer, 503)
        assert answer.headers["retry-after"] == "5"


def test_who_asks_too_often_is_told_when_to_come_again(store: Store) -> None:
    with asking(store, requests_per_minute=5, refused_per_minute=3) as console:
        known = until_429(lambda: console.ask("GET", "/anomalies"))
        assert [answer.status_code for answer in known[:5]] == [200] * 5
        assert console.ask("GET", "/anomalies", "viewer").status_code == 200
        strangers = until_429(lambda: console.client.get("/api/v1/anomalies", headers={"x-api-key": new_key().key}))
        assert [answer.status_code for answer in strangers[:3]] == [401] * 3
        for answer in (known[-1], strangers[-1]):
            assert_problem(answer, 429)
            assert 1 <= int(answer.headers["retry-after"]) <= 120


def until_429(ask: Callable[[], Any]) -> list[Any]:
    """Answers up to the first that is put off; a minute may end between two of them."""
    answers = [ask()]
    while answers[-1].status_code != 429:
        assert len(answers) < 500
        answers.append(ask())
    return answers


def bearer(console: Asking, role: Role) -> dict[str, str]:
    return {"authorization": f"Bearer {console.keys[role].key}"}


def parameters_of(console: Asking) -> Iterator[tuple[str, set[str]]]:
    """Every path that is read, and what its query may name."""
    for path, operations in console.client.app.openapi()["paths"].items():  # type: ignore[attr-defined]
        if "get" in operations:
            yield path, {one["name"] for one in operations["get"].get("parameters", []) if one["in"] == "query"}
