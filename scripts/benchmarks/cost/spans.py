"""Values of records of spans that are odd, hostile or damaged, each of one kind; beside them the good ones."""

from typing import Final

from tracehound.scripts.strangers.values import Makers
from tracehound.streams.intake.formats.wire import framed

Values = list[bytes]
_START, _END = "1700000000000000000", "1700000000100000000"


def _json_span(number: int) -> str:
    ids = f'"traceId":"{number // 8 + 1:032x}","spanId":"{number + 1:016x}"'
    times = f'"startTimeUnixNano":"{_START}","endTimeUnixNano":"{_END}"'
    attribute = '{"key":"http.request.method","value":{"stringValue":"GET"}}'
    return f'{{{ids},"name":"GET /","kind":2,{times},"attributes":[{attribute}]}}'


def _json_record(spans: list[str]) -> Values:
    resource = '{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]}'
    text = f'{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{{"spans":[{",".join(spans)}]}}]}}]}}'
    return [text.encode()]


def good_json() -> Values:
    """A good record of OTLP in JSON."""
    return _json_record([_json_span(number) for number in range(3_000)])


def _with(old: str, new: str) -> Values:
    return _json_record([_json_span(0).replace(old, new)])


def _protobuf_span(number: int) -> bytes:
    times = b"\x39" + int(_START).to_bytes(8, "little") + b"\x41" + int(_END).to_bytes(8, "little")
    ids = framed(1, (number // 8 + 1).to_bytes(16, "big")) + framed(2, (number + 1).to_bytes(8, "big"))
    return ids + framed(5, b"GET /") + b"\x30\x02" + times


_RESOURCE: Final = framed(1, framed(1, framed(1, b"service.name") + framed(2, framed(1, b"shop"))))


def _protobuf_record(spans: list[bytes]) -> Values:
    return [framed(1, _RESOURCE + framed(2, b"".join(framed(2, span) for span in spans)))]


def good_protobuf() -> Values:
    """A good record of OTLP in Protobuf."""
    return _protobuf_record([_protobuf_span(number) for number in range(3_000)])


_GET: Final = '{"stringValue":"GET"}'
_ATTRIBUTES: Final = '"attributes":['

JSON: Final[Makers] = {
    "99,000 empty spans": lambda: _json_record(["{}"] * 99_000),
    "spans as short as may be": lambda: _json_record(['{"spanId":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'] * 20_000),
    "empty resources": lambda: [b'{"resourceSpans":[' + b",".join([b"{}"] * 90_000) + b"]}"],
    "all ids wrong": lambda: _json_record([_json_span(at).replace('Id":"', 'Id":"z') for at in range(3_000)]),
    "one empty span of 3,000": lambda: _json_record([_json_span(at) if at else "{}" for at in range(3_000)]),
    "NaN in one span of 3,000": lambda: _json_record([*map(_json_span, range(3_000)), '{"a":NaN}']),
    "cut off": lambda: [good_json()[0][:-9]],
    "30,000 attributes": lambda: _with(_ATTRIBUTES, _ATTRIBUTES + '{"key":"a","value":{}},' * 30_000),
    "90,000 brackets": lambda: _with(_GET, "[" * 90_000 + "]" * 90_000),
    "attributes nested 400 deep": lambda: _with(_GET, '{"arrayValue":{"values":[' * 400 + "{}" + "]}}" * 400),
    "90,000 links": lambda: _with(_ATTRIBUTES, '"links":[' + "{}," * 90_000 + "{}]," + _ATTRIBUTES),
}
PROTOBUF: Final[Makers] = {
    "90,000 empty spans": lambda: _protobuf_record([b""] * 90_000),
    "empty resources": lambda: [framed(1, b"") * 90_000],
    "empty scopes": lambda: [framed(1, framed(2, b"") * 90_000)],
    "short ids": lambda: _protobuf_record([framed(1, b"a" * 20) + framed(2, b"a" * 16)] * 20_000),
    "one empty span of 3,000": lambda: _protobuf_record([_protobuf_span(at) if at else b"" for at in range(3_000)]),
    "90,000 attributes": lambda: _protobuf_record([_protobuf_span(1) + framed(9, b"") * 90_000]),
    "90,000 events": lambda: _protobuf_record([_protobuf_span(1) + framed(11, b"") * 90_000]),
}
"""Makers of values by what they are."""
