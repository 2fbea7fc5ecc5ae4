"""A stored book with one number or name changed is refused, or taken over and goes on; it never raises later."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tests.detectors.incidents.records import anomaly, progress, verdict, wrapped
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.incident_input import IncidentInput


def records(first_s: float) -> list[IncidentInput]:
    """Two applications that deviate, are judged in part, and recover; and one that may do so every day."""
    found = [wrapped(anomaly("bank", first_s - 40.0, "major"))]
    for step in range(12):
        at_s = first_s + 20.0 * step
        found.append(wrapped(progress("bank", at_s)))
        for name in ("shop", "stock"):
            if step < 6:
                found.append(wrapped(anomaly(name, at_s, "critical")))
            found.append(wrapped(progress(name, at_s, calls=["queue"], taken=["queue"])))
    return found


def stored() -> bytes:
    book = IncidentBook(IncidentSettings())
    for record in records(0.0):
        book.take(record)
    judged = anomaly("shop", 900.0, "major")
    for record in (wrapped(judged), wrapped(verdict(judged.id)), *records(1_000.0)[:12]):
        book.take(record)
    return book.snapshot()


def test_what_was_stored_is_taken_over() -> None:
    assert IncidentBook.restore(stored(), IncidentSettings()).snapshot() == stored()


INSTEAD = (-1, 2**62, float("nan"), 1e300, -1e300, float("inf"), 5)


def changed(value: Any) -> Iterator[Any]:
    """The value with each of its numbers changed in turn."""
    if isinstance(value, bool) or not isinstance(value, int | float | list | dict):
        return
    if isinstance(value, int | float):
        yield from INSTEAD
        return
    for place in range(len(value)) if isinstance(value, list) else list(value):
        for part in changed(value[place]):
            copied = copy.copy(value)
            copied[place] = part
            yield copied


def renamed(value: Any) -> Iterator[Any]:
    """The value with each of its texts and keys being another in turn."""
    if isinstance(value, str):
        yield "elsewhere"
    if isinstance(value, dict):
        for key in value:
            if isinstance(key, str):
                yield {"elsewhere" if name == key else name: part for name, part in value.items()}
    if isinstance(value, list | dict):
        for place in range(len(value)) if isinstance(value, list) else list(value):
            for part in renamed(value[place]):
                copied = copy.copy(value)
                copied[place] = part
                yield copied


def test_each_number_is_checked() -> None:
    refused, taken = restored_and_gone_on(changed)
    assert refused > 500
    assert taken > 100


def test_each_name_is_checked() -> None:
    refused, taken = restored_and_gone_on(renamed)
    assert refused > 50
    assert taken > 100


def restored_and_gone_on(damage: Callable[[Any], Iterator[Any]]) -> tuple[int, int]:
    """How many damaged books are refused, and how many taken, which then go on."""
    version, *parts = msgspec.msgpack.decode(stored())
    refused = taken = 0
    for damaged in damage(parts):
        try:
            book = IncidentBook.restore(msgspec.msgpack.encode([version, *damaged]), IncidentSettings())
        except SnapshotError:
            refused += 1
            continue
        taken += 1
        for record in records(2_000.0)[:6]:
            book.take(record)
        IncidentBook.restore(book.snapshot(), IncidentSettings())
    return refused, taken
