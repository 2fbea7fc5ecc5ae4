"""Whatever a client sends is taken, or refused with a sentence: no path fails."""

import gzip
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.streams.gateway.conftest import FakeSender, ask, made, traces

GOOD = [
    traces(2).SerializeToString(),
    json.dumps({"application": "shop", "operation": "GET /", "started_at": 9, "duration_ms": 5}).encode(),
    b'[{"traceId":"1","id":"2","timestamp":1,"duration":1,"localEndpoint":{"serviceName":"shop"}}]',
    b'{"message": "CPU spike detected", "level": "warning"}',
    b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":9,"body":{"stringValue":"up"}}]}]}]}',
    b'[{"model":"transaction","hash":"1","timestamp":9,"duration":5},{"model":"segment","transaction":{"hash":"1"}}]',
    b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01","spanId":"02"}]}]}]}',
]
MEDIA_TYPES = ("application/json", "application/x-protobuf", "application/x-ndjson", "text/plain", "")
PATHS = [one.path for one in made(FakeSender()).endpoints if "POST" in one.methods]
TAKEN, REFUSED = {200, 202}, {400, 413, 415}


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Any bytes, or good ones that are cut, repeated, changed in one place, or packed."""
    body = draw(st.one_of(st.binary(max_size=300), st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(body)))
        match draw(st.integers(0, 3)):
            case 0:
                body = body[:at]
            case 1:
                body = body[:at] + draw(st.binary(max_size=4)) + body[at + 1 :]
            case 2:
                body = body + b"\n" + body
            case _:
                body = gzip.compress(body)
    return body


@settings(max_examples=200)
@given(
    path=st.sampled_from(PATHS),
    body=bodies(),
    media_type=st.sampled_from(MEDIA_TYPES),
    encoding=st.sampled_from(["", "gzip", "deflate", "zstd", "br", "identity"]),
)
def test_anything_is_taken_or_refused_with_a_sentence(path: str, body: bytes, media_type: str, encoding: str) -> None:
    sender = FakeSender()
    answer = ask(made(sender), "POST", path, body, {"content-type": media_type, "content-encoding": encoding})
    assert answer.status in TAKEN | REFUSED
    if answer.status in REFUSED:
        assert sender.records == []
        assert len(answer.body) > 10


@settings(max_examples=50)
@example(name="content-length", value="\xb2")  # a digit to Python
@given(
    name=st.sampled_from(["authorization", "x-api-key", "x-inspector-key", "host", "content-type", "content-length"]),
    value=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=80),
)
def test_no_header_makes_a_path_fail(name: str, value: str) -> None:
    headers = {"content-type": "application/json", name: value}
    for gateway in (made(FakeSender()), made(FakeSender(), keys={"th_00000000": {"sha256": "0" * 64}})):
        for path in PATHS:
            assert ask(gateway, "POST", path, b"{}", headers).status in TAKEN | REFUSED | {401, 403}
