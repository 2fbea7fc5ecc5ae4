"""Why a record or elements of it were refused: error class, one sentence, and exactly the refused bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

ErrorName = Literal[
    "NullValue",
    "OversizedRecord",
    "OversizedEvent",
    "InvalidUtf8",
    "InvalidJson",
    "InvalidField",
    "MissingField",
    "InvalidTime",
    "FutureTime",
    "TooManySegments",
    "InvalidParent",
    "MixedApplications",
    "InvalidProtobuf",
    "InvalidSpan",
    "TooManySpans",
    "ForeignFormat",
    "OtherSignal",
]
"""Every class of error of an execution or span; a bounded set, fit for a metric's label."""

_INDEXES_NAMED = 20


class Rejection(msgspec.Struct, frozen=True):
    """Elements of one record that were refused for one reason.

    ``indexes`` are the positions in the record's array, empty if the record as a whole was refused.
    ``value_bytes`` are the original bytes of the record (None for a null value), or a JSON array of the
    refused elements only, each byte for byte as it came. ``reason`` is one sentence; the value it shows is
    that of the first element. ``format`` is that of the record, where elements of it were refused: alone they may look
    like another one.
    """

    indexes: tuple[int, ...]
    value_bytes: bytes | None
    error: ErrorName
    reason: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with one execution: class, field (without indexes), and how to say it.

    Flaws of the same ``error`` and ``field`` are reported together, so ``sentence`` is called for the first
    only. It begins in lower case and ends with a full stop.
    """

    error: ErrorName
    field: str
    sentence: Callable[[], str]


class RecordError(Exception):
    """The record as a whole cannot be used: class of error, and a sentence that begins in lower case."""

    def __init__(self, error: ErrorName, sentence: str) -> None:
        super().__init__(sentence)
        self.error = error
        self.sentence = sentence


def reject_record(value: bytes | None, error: ErrorName, sentence: str) -> Rejection:
    """The record as a whole is refused."""
    return Rejection((), value, error, sentence[0].upper() + sentence[1:])


def reject_flaw(value: bytes | None, flaw: Flaw) -> Rejection:
    """The record as a whole is refused for this flaw."""
    return reject_record(value, flaw.error, flaw.sentence())


class RefusedElements:
    """Collects the refused elements of an array and groups them by what is wrong."""

    def __init__(self) -> None:
        self._groups: dict[tuple[ErrorName, str], tuple[Flaw, list[int], list[bytes]]] = {}

    def add(self, index: int, element: bytes, flaw: Flaw) -> None:
        """The element at ``index``, with its original bytes, has this flaw."""
        self.add_all([index], [element], flaw)

    def add_all(self, indexes: Sequence[int], elements: Sequence[bytes], flaw: Flaw) -> None:
        """The elements at these indexes, one or more, have the same flaw."""
        _, known, bytes_of = self._groups.setdefault((flaw.error, flaw.field), (flaw, [], []))
        known += indexes
        bytes_of += elements

    def rejections(self) -> list[Rejection]:
        """One rejection for each group, in the order of their first elements."""
        return [
            Rejection(
                tuple(indexes),
                b"[" + b",".join(elements) + b"]",
                flaw.error,
                f"{name_elements(indexes)}: {flaw.sentence()}",
            )
            for flaw, indexes, elements in self._groups.values()
        ]


def name_elements(indexes: Sequence[int]) -> str:
    """Elements of an array as a sentence begins with them, the first twenty by their indexes.

    >>> name_elements([3]), name_elements([0, 3])
    ('Element 3', 'Elements 0, 3')
    """
    if len(indexes) == 1:
        return f"Element {indexes[0]}"
    named = ", ".join(map(str, indexes[:_INDEXES_NAMED]))
    more = len(indexes) - _INDEXES_NAMED
    return f"Elements {named} and {more} more" if more > 0 else f"Elements {named}"
