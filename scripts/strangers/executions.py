"""Values of records of executions that are odd, hostile or damaged, each of one kind; beside them the good ones."""

import random
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution, ExecutionFailure, Segment
from tracehound.scripts.strangers.values import Makers

Values = list[bytes]
_USUAL: Final = (
    Segment("SELECT * FROM item", 5.0, "db", 1.0, peer="database"),
    Segment("GET /stock", 20.0, "http", 10.0, peer="stock", remote_ms=15.0),
    Segment("render", 9.0, "view", 50.0),
)


def good(number: int, application: str = "shop", operation: str = "", **fields: Any) -> bytes:
    """One execution as most are."""
    given: dict[str, Any] = {"segments": list(_USUAL), "trace_id": f"{number:032x}", **fields}
    named = operation or f"GET /{number % 5}"
    return encode(Execution(application, named, 1.79e9 + 0.05 * number, 100.0 + number % 7, **given))


def goods(times: int = 3_000) -> Values:
    """Good executions, one a record."""
    return [good(number) for number in range(times)]


def _array(element: bytes, size: int = 800_000) -> Values:
    return [b"[" + b",".join([element] * (size // (len(element) + 1))) + b"]"]


def _one_in_500(odd: bytes) -> Values:
    values = goods()
    values[250::500] = [odd] * len(values[250::500])
    return values


def _many(times: int, make: Callable[[int], bytes]) -> Values:
    return [make(number) for number in range(times)]


def _segments(number: int, make: Callable[[int], Segment]) -> list[Segment]:
    return [make(at) for at in range(number)]


def _nested(number: int) -> bytes:
    names = (f"call {_new()} " + "x" * 120 for _ in range(5_000))
    return good(number, segments=[Segment(name, 9.0, parent=at - 1 if at else None) for at, name in enumerate(names)])


_news = count(1)


def _new() -> str:
    """A name that the process has not met, however often the values are made."""
    return f"n{next(_news)}"


def _letters(number: int) -> str:
    return "".join(random.Random(number).choices("abcdefghij", k=12))


_UNFINISHED: Final = good(1)[:-40]
_ESCAPED: Final = good(1).replace(b'"name"', rb'"\u006eame"')
_WRONG: Final = good(1).replace(b'"duration_ms":101.0', b'"duration_ms":"x"')
_FAILED: Final = "error"

KINDS: Final[Makers] = {
    "arrays of empty objects": lambda: _array(b"{}"),
    "arrays of empty objects with a good one among them": lambda: [_array(b"{}")[0][:-1] + b"," + good(1) + b"]"],
    "arrays of executions with a wrong field": lambda: _array(_WRONG),
    "arrays of the shortest wrong executions": lambda: _array(
        b'{"application":"a","operation":"a","started_at":0,"duration_ms":""}'
    ),
    "arrays of deep brackets": lambda: _array(b"[" * 2_000 + b"]" * 2_000),
    "records that are cut off": lambda: [_UNFINISHED] * 3_000,
    "one empty object in 500 records": lambda: _one_in_500(b"{}"),
    "one escaped field in 500 records": lambda: _one_in_500(_ESCAPED),
    "all with an escaped field": lambda: [_ESCAPED] * 3_000,
    "5,000 segments, each in the one before": lambda: _many(10, _nested),
    "5,000 segments that begin in reverse": lambda: _many(
        20, lambda n: good(n, segments=_segments(5_000, lambda at: Segment("a", 9.0, offset_ms=5_000.0 - at)))
    ),
    "40 new names of segments each": lambda: _many(
        1_500, lambda n: good(n, segments=_segments(40, lambda _: Segment(_new(), 1.0)))
    ),
    "40 new called services each": lambda: _many(
        1_500, lambda n: good(n, segments=_segments(40, lambda _: Segment("n", 1.0, peer=_new())))
    ),
    "a new operation each": lambda: _many(3_000, lambda n: good(n, operation=_letters(n))),
    "a new version each": lambda: _many(3_000, lambda n: good(n, version=f"v{n}")),
    "a new type of error each": lambda: _many(
        3_000, lambda n: good(n, status=_FAILED, error=ExecutionFailure(f"E{n}", "m"))
    ),
    "a new application each": lambda: _many(500, lambda n: good(n, application=f"application-{n}")),
    "attributes of 20,000 lists": lambda: _many(20, lambda n: good(n, attributes={"a": [[]] * 20_000})),
    "a version of 100,000 letters": lambda: _many(50, lambda n: good(n, version=f"{n} " * 20_000)),
}
"""Makers of values by what they are."""
