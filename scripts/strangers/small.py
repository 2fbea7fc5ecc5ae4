"""Records of next to nothing, many of each kind, and such as are headers above all."""

from collections.abc import Callable
from typing import Final

from tracehound.scripts.strangers.executions import good
from tracehound.scripts.strangers.values import Given, Makers, Records

_MANY: Final = 10_000


def _each(make: Callable[[int], bytes]) -> Callable[[], Records]:
    return lambda: [make(number) for number in range(_MANY)]


def _same(value: bytes | None) -> Callable[[], Records]:
    return lambda: [value] * _MANY


def _with_headers(number: int, *headers: tuple[str, bytes], value: bytes | None = None) -> Callable[[], Records]:
    return lambda: [Given(good(at) if value is None else value, headers) for at in range(number)]


ANYWHERE: Final[Makers] = {
    "records of an empty object": _same(b"{}"),
    "records of 0 bytes": _same(b""),
    "records of 1 byte": _same(b"x"),
    "records of a null": _same(b"null"),
    "records of an empty array": _same(b"[]"),
    "records of a number, each another": _each(lambda n: b"%d" % n),
    "records of one field, each another": _each(lambda n: b'{"a%d":1}' % n),
    "tombstones": _same(None),
    "records that begin as gzip does": _each(lambda n: b"\x1f\x8b%d" % n),
}
"""For every topic that strangers write to."""

_WRONG: Final = b'{"application":"a","operation":"GET /","started_at":0,"duration_ms":"%d"}'

EXECUTIONS: Final[Makers] = {
    **ANYWHERE,
    "records of the framing of a schema registry": _each(lambda n: b"\0" + n.to_bytes(4, "big") + b"{"),
    "records of the shortest wrong executions": _each(lambda n: _WRONG % n),
    "records of a long number": _each(lambda n: b"%080d" % n),
    "records of an array of a long number": _each(lambda n: b"[%080d]" % n),
    "records of few spans of OTLP": _each(lambda n: b'{"resourceSpans":[],"a":%d}' % n),
    "records of a row that was deleted": _each(lambda n: b'{"op":"d","before":{"a":%d}}' % n),
    "good ones with a header of 100,000 bytes": _with_headers(100, ("a", b"x" * 100_000)),
    "good ones with 1,000 headers of 1 byte": _with_headers(500, *[("a", b"b")] * 1_000),
    "empty objects with 1,000 headers of 1 byte": _with_headers(500, *[("a", b"b")] * 1_000, value=b"{}"),
    "empty objects with a header of 1 byte": _with_headers(_MANY, ("a", b"b"), value=b"{}"),
    "empty objects with an origin that is none": _with_headers(_MANY, ("tracehound_origin_offset", b"b"), value=b"{}"),
}
"""For topics of executions."""
