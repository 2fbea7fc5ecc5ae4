"""Records of one partition as columns: of most of them no object is ever made."""

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any, Final, overload

import numpy as np
from aiokafka import ConsumerRecord
from aiokafka.record.util import decode_varint, encode_varint
from numpy.typing import NDArray

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.byte_words import PADDING
from tracehound.detectors.columns.json_tokens import SEPARATOR
from tracehound.detectors.columns.placed_texts import PlacedTexts
from tracehound.detectors.columns.read_records import (
    FOUND,
    HEADER_COUNT,
    HEADERS,
    KEY,
    KEY_LENGTH,
    NONE,
    OFFSET,
    STAMPED,
    TIMESTAMP,
    VALUE,
    VALUE_LENGTH,
    find_headers,
)

Headers = Sequence[tuple[str, bytes]]
_BEGINS: Final = [KEY, VALUE, HEADERS]


class ColumnedRecords(Sequence[ConsumerRecord]):
    """Records in the order of their offsets, of which an object is made each time that one is asked for.

    Parameters:
        text: (bytes,) where keys, values and headers lie, not writable; ``SEPARATOR`` follows each value, and
            ``PADDING`` all of them.
        places: (n, ``PLACES``), see ``detectors.columns.read_records``.
        made: the records where they are objects already.

    >>> record = ConsumerRecord("t", 0, 7, 5, 0, b"k", b"v", None, 1, 1, (("name", b"value"),))
    >>> records = ColumnedRecords.of([record])
    >>> records.offsets.tolist(), records.values.text[:2].tobytes(), records[0] is record
    ([7], b'kv', True)
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        text: NDArray[np.uint8],
        places: NDArray[np.int64],
        made: Sequence[ConsumerRecord] | None = None,
    ) -> None:
        self.topic, self.partition = topic, partition
        self._text, self._places, self._made = text, places, made

    @classmethod
    def of(cls, records: Sequence[ConsumerRecord]) -> "ColumnedRecords":
        """The columns of records of one partition, of which there is at least one."""
        if isinstance(records, cls):
            return records
        pieces: list[bytes] = []
        places: list[tuple[int, ...]] = []
        at = 0
        for record in records:
            key, value = record.key or b"", record.value or b""
            headers = written_headers(record.headers) if record.headers else b""
            pieces += (key, value, SEPARATOR, headers)
            lengths = (NONE if piece is None else len(piece) for piece in (record.key, record.value))
            begins = (at, at + len(key), at + len(key) + len(value) + len(SEPARATOR))
            stamps = (record.offset, record.timestamp or 0, record.timestamp_type or 0)
            places.append((*stamps, *chain.from_iterable(zip(begins, (*lengths, len(record.headers)), strict=True))))
            at = begins[-1] + len(headers)
        text = np.frombuffer(b"".join((*pieces, PADDING)), np.uint8)
        return cls(records[0].topic, records[0].partition, text, np.array(places, np.int64), records)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> ConsumerRecord: ...

    @overload
    def __getitem__(self, index: slice) -> "ColumnedRecords": ...

    def __getitem__(self, index: int | slice) -> "ConsumerRecord | ColumnedRecords":
        if isinstance(index, slice):
            made = None if self._made is None else self._made[index]
            return ColumnedRecords(self.topic, self.partition, self._text, self._places[index], made)
        return self._make(index) if self._made is None else self._made[index]

    def _make(self, index: int) -> ConsumerRecord:
        place: list[int] = self._places[index].tolist()
        key, value = self._piece(place[KEY], place[KEY_LENGTH]), self._piece(place[VALUE], place[VALUE_LENGTH])
        return ConsumerRecord(
            *(self.topic, self.partition, place[OFFSET], place[TIMESTAMP], place[STAMPED], key, value, None),
            *(place[KEY_LENGTH], place[VALUE_LENGTH], _read(self._text.data, place[HEADERS], place[HEADER_COUNT])),
        )

    def _piece(self, at: int, length: int) -> bytes | None:
        return None if length < 0 else self._text[at : at + length].tobytes()

    def chosen(self, rows: Slots) -> "ColumnedRecords":
        """Those at ``rows`` (k,), which ascend, of which there is at least one; without the text before and behind."""
        places = self._places[rows]
        begin = int(places[:, _BEGINS].min())
        end = _end(self._text.data, *places[-1, [HEADERS, HEADER_COUNT]].tolist())
        places[:, _BEGINS] -= begin
        made = None if self._made is None else [self._made[row] for row in rows.tolist()]
        text = np.frombuffer(self._text[begin:end].tobytes() + PADDING, np.uint8)
        return ColumnedRecords(self.topic, self.partition, text, places, made)

    @property
    def text(self) -> NDArray[np.uint8]:
        """(bytes,) where keys, values and headers lie, see the class."""
        return self._text

    @property
    def places(self) -> NDArray[np.int64]:
        """(n, ``PLACES``), see ``detectors.columns.read_records``."""
        return self._places

    @property
    def offsets(self) -> Slots:
        """(n,)"""
        return self._places[:, OFFSET]

    @property
    def timestamps_ms(self) -> Slots:
        """(n,) epoch milliseconds; 0 for no time."""
        return self._places[:, TIMESTAMP]

    @property
    def value_bytes(self) -> int:
        """How long the values are together."""
        return int(np.maximum(self._places[:, VALUE_LENGTH], 0).sum())

    @property
    def has_nulls(self) -> bool:
        """Whether a value is null."""
        return bool((self._places[:, VALUE_LENGTH] < 0).any())

    @cached_property
    def values(self) -> PlacedTexts:
        """The values, of which none is null."""
        begins = self._places[:, VALUE].copy()
        return PlacedTexts(self._text, begins, begins + self._places[:, VALUE_LENGTH])

    def headers_of(self, names: PlacedTexts) -> NDArray[np.int64] | None:
        """(n, k, ``FOUND``), what ``find_headers`` finds of these k names; None where no record has a header."""
        if not self._places[:, HEADER_COUNT].any():
            return None
        found = np.empty((len(self), len(names), FOUND), np.int64)
        find_headers(self._text, self._places, names.text, names.begins, names.ends, found)
        return found

    def header(self, place: int, length: int) -> bytes:
        """What a header holds that was found there; nothing where it is null or not there."""
        return self._text[place : place + max(0, length)].tobytes()


def written_headers(headers: Headers) -> bytes:
    """Headers as Kafka writes them."""
    written = bytearray()
    for name, value in headers:
        for piece in (name.encode(), value):
            encode_varint(NONE if piece is None else len(piece), written.append)
            written += piece or b""
    return bytes(written)


def _read(text: memoryview, at: int, count: int) -> tuple[tuple[str, Any], ...]:
    found: list[tuple[str, Any]] = []
    for _ in range(count):
        name, at = _next(text, at)
        value, at = _next(text, at)
        found.append((name.decode(), value))
    return tuple(found)


def _end(text: memoryview, at: int, count: int) -> int:
    """What follows so many headers."""
    for _ in range(2 * count):
        length, at = decode_varint(text, at)
        at += max(0, length)
    return at


def _next(text: memoryview, at: int) -> tuple[Any, int]:
    length, at = decode_varint(text, at)
    return (None, at) if length < 0 else (bytes(text[at : at + length]), at + length)
