"""Who may send, how often, and from where; every route is tried, whichever there are."""

from typing import Any

import pytest

from tests.streams.gateway.conftest import JSON, PROTOBUF, FakeSender, ask, made, traces
from tracehound.schemas.errors import ConfigurationError, TracehoundError
from tracehound.streams.gateway.throttle import Throttle
from tracehound.streams.http.keys import new_key
from tracehound.streams.http.refusal import RequestRefusedError
from tracehound.streams.settings.settings import load_settings

SENDS, READS = new_key(), new_key()
KEYS: dict[str, Any] = {
    SENDS.prefix: {"sha256": SENDS.sha256},
    READS.prefix: {"sha256": READS.sha256, "role": "metrics"},
}
OPEN = {
    "/livez": "asked by what restarts processes, which holds no keys; says nothing but that it answers",
    "/readyz": "asked by load balancers, which hold no keys; says at most that Kafka is away",
    "/openapi.json": "is public with the program",
}
"""Routes that need no key, and why."""


def test_every_route_refuses_without_a_key_with_a_wrong_one_and_with_a_wrong_role() -> None:
    gateway = made(FakeSender(), keys=KEYS)
    tried = 0
    for endpoint in gateway.endpoints:
        right, wrong = (SENDS, READS) if endpoint.role == "ingest" else (READS, SENDS)
        method = endpoint.methods[0]
        if endpoint.role is None:
            assert endpoint.path in OPEN
            continue
        tried += 1
        for headers, status in (
            ({}, 401),
            ({"authorization": "Basic dTpw"}, 401),
            ({"authorization": f"Bearer {right.key[:-1]}"}, 401),
            ({"authorization": f"Bearer {right.prefix}"}, 401),
            ({"x-api-key": right.sha256}, 401),
            ({"x-api-key": "\xe9" * 50}, 401),
            ({"authorization": f"Bearer {wrong.key}"}, 403),
        ):
            answer = ask(gateway, method, endpoint.path, headers=headers)
            assert (endpoint.path, headers, answer.status) == (endpoint.path, headers, status)
            assert ("www-authenticate" in answer.headers) == (status == 401)
            assert right.key.encode() not in answer.body
        for name, carried in (
            ("authorization", f"bearer {right.key}"),
            ("x-api-key", right.key),
            ("x-inspector-key", right.key),
        ):
            headers = {name: carried}
            assert ask(gateway, method, endpoint.path, headers=headers).status in (200, 415)
    assert tried >= 3
    assert {route.path for route in gateway.app.routes} == {one.path for one in gateway.endpoints}  # type: ignore[attr-defined]


def test_without_keys_only_this_machine_is_listened_to() -> None:
    for host in ("0.0.0.0", "::", "10.1.2.3", "example.org"):
        with pytest.raises(ConfigurationError, match=r"'gateway\.host' must be an address of loopback"):
            made(FakeSender(), host=host)
        made(FakeSender(), host=host, keys=KEYS)
    for host in ("127.0.0.1", "::1", "localhost"):
        made(FakeSender(), host=host)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4318", "", "127.0.0.1.evil.example", "[", "10.0.0.1"])
def test_without_keys_pages_under_other_names_of_this_machine_are_kept_out(host: str) -> None:
    answer = ask(made(FakeSender()), "POST", "/v1/executions", b"[]", {**JSON, "host": host})
    assert (answer.status, answer.json["reason"]) == (403, "wrong_host")
    for known in ("localhost:4318", "127.0.0.1", "[::1]:4318"):
        assert ask(made(FakeSender()), "POST", "/v1/executions", b"[]", {**JSON, "host": known}).status == 200


def test_a_key_itself_in_the_place_of_its_digest_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ({"sha256": SENDS.key}, {"sha256": SENDS.sha256, "key": SENDS.key}, SENDS.key):
        with pytest.raises(ConfigurationError) as refused:
            load_settings(gateway={"keys": {SENDS.prefix: wrong}})
        assert SENDS.key not in str(refused.value)
        assert SENDS.key[12:] not in str(refused.value)


def test_senders_have_a_rate_each() -> None:
    now = [0.0]
    throttle = Throttle(2.0, lambda: now[0])
    for _ in range(20):
        throttle.take("one")
    with pytest.raises(RequestRefusedError) as refused:
        throttle.take("one")
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
    throttle.take("other")
    now[0] = 0.5
    throttle.take("one")
    with pytest.raises(RequestRefusedError):
        throttle.take("one")
    now[0] = 1e6
    for _ in range(20):
        throttle.take("one")
    with pytest.raises(RequestRefusedError):
        throttle.take("one")


def test_too_many_requests_are_429_in_the_words_of_the_path() -> None:
    gateway = made(FakeSender(), requests_per_s=0.1)
    body = traces().SerializeToString()
    first, second = (ask(gateway, "POST", "/v1/traces", body, PROTOBUF) for _ in range(2))
    assert (first.status, second.status, second.headers["retry-after"]) == (200, 429, "10")
    assert second.headers["content-type"] == "application/x-protobuf"


def test_a_failure_of_ours_is_500_without_its_cause() -> None:
    answer = ask(made(FakeSender(failure=TracehoundError("a secret"))), "POST", "/v1/executions", b"[]", JSON)
    assert (answer.status, answer.json["reason"]) == (500, "failed")
    assert b"secret" not in answer.body


def test_unknown_paths_and_methods_are_problems_and_on_otlp_a_status() -> None:
    gateway = made(FakeSender())
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("POST", "/v1/metrics", 404),
        ("POST", "/v1/traces/", 404),
        ("GET", "/v1/executions", 405),
    ):
        answer = ask(gateway, method, path)
        assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json["reason"] == {404: "not_found", 405: "method"}[status]
    answer = ask(gateway, "GET", "/v1/traces")
    assert (answer.status, answer.headers["allow"], answer.json["code"]) == (405, "POST", 12)


def test_browsers_may_send_from_pages_that_are_named_only() -> None:
    asking = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    asking["access-control-request-headers"] = "content-type"
    gateway = made(FakeSender(), cors_origins="https://shop.example, https://other.example")
    allowed = ask(gateway, "OPTIONS", "/v1/traces", headers=asking)
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (200, "https://shop.example")
    answer = ask(gateway, "POST", "/v1/traces", b"", {**PROTOBUF, "origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert ask(gateway, "OPTIONS", "/v1/traces", headers={**asking, "origin": "https://evil.example"}).status == 400
    assert ask(made(FakeSender()), "OPTIONS", "/v1/traces", headers=asking).status == 405


def test_health_and_metrics_say_how_it_is() -> None:
    sender = FakeSender()
    gateway = made(sender)
    ask(gateway, "POST", "/v1/traces", traces(4, bad=[0]).SerializeToString(), PROTOBUF)
    ask(gateway, "POST", "/v1/traces", b"nonsense", PROTOBUF)
    counted = ask(gateway, "GET", "/metrics").body.decode()
    for line in (
        'tracehound_gateway_requests_total{path="/v1/traces",status="200"} 1.0',
        'tracehound_gateway_refused_requests_total{path="/v1/traces",reason="invalid_body"} 1.0',
        'tracehound_gateway_accepted_total{path="/v1/traces"} 3.0',
        'tracehound_gateway_refused_total{path="/v1/traces"} 1.0',
        'tracehound_gateway_records_total{topic="otlp_spans"} 1.0',
        'tracehound_gateway_request_seconds_count{path="/v1/traces"} 2.0',
    ):
        assert line in counted.splitlines()
    assert ask(gateway, "GET", "/readyz").json == {"ok": True}
    sender.trouble = "Kafka is away."
    answer = ask(gateway, "GET", "/readyz")
    assert (answer.status, answer.json) == (503, {"ok": False, "faults": ["Kafka is away."]})
    assert ask(gateway, "GET", "/livez").status == 200
