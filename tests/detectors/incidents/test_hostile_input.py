"""Records of incidents' input with numbers that cannot be: refused, or taken so that the book can still be saved."""

import json
from typing import Any

import msgspec
import pytest

from tests.detectors.incidents.records import anomaly, progress, wrapped
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.incident_input import IncidentInput, decode_input, encode_input

HUGE: tuple[Any, ...] = (0, -1, -1e308, 1e308, 2**63, 2**64 - 1, 2**70, -(2**63), "x", None, [], "9999-12-31T23:59:59Z")
BASES = [
    wrapped(anomaly("shop", 0.0)),
    wrapped(anomaly("shop", 0.0, silent_since_s=5.0, operation="")),
    wrapped(progress("shop", 20.0, calls=["stock"], ongoing={"shop//latency": 5.0})),
]


def changed(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """Every leaf of a JSON value in turn, with everything that it may be instead."""
    if isinstance(value, dict | list):
        places = value.items() if isinstance(value, dict) else enumerate(value)
        for place, part in list(places):
            for leaf, instead in changed(part, (*path, place)):
                yield leaf, instead
    else:
        for instead in HUGE:
            yield path, instead


def with_leaf(value: Any, path: tuple[Any, ...], instead: Any) -> Any:
    copied = json.loads(json.dumps(value))
    holder = copied
    for place in path[:-1]:
        holder = holder[place]
    holder[path[-1]] = instead
    return copied


@pytest.mark.parametrize("base", BASES, ids=["anomaly", "silence", "progress"])
def test_any_number_is_refused_or_taken_and_the_book_goes_on(base: IncidentInput) -> None:
    plain, refused, taken = json.loads(encode_input(base)), 0, 0
    book = IncidentBook(IncidentSettings())
    for path, instead in changed(plain):
        try:
            book.take(decode_input(json.dumps(with_leaf(plain, path, instead)).encode()))
            taken += 1
        except (msgspec.DecodeError, ValueError):
            refused += 1
        book.take(base)
    book.take(wrapped(progress("shop", 4_000.0)))
    IncidentBook.restore(book.snapshot(), IncidentSettings()).take(base)
    assert refused > 0 < taken


def test_contributions_without_any_share_are_evidence_all_the_same() -> None:
    found = anomaly("shop", 0.0, severity="critical")
    found.data.contributions = {"calls to stock": 0.0, "its own code": 0.0}
    assert IncidentBook(IncidentSettings()).take(wrapped(found))
