"""Dead letters that say the same of many records, of which no object is made: a flood of next to nothing is cheap."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from tracehound.detectors.columns.byte_words import PADDING
from tracehound.detectors.columns.write_letters import (
    ANYWHERE,
    MEASURES,
    MOST_FRAMING,
    SIZE,
    TARGET,
    measure_letters,
    write_letters,
)
from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.rejection import Rejection
from tracehound.streams.delivery.letters import letter_of, stage_of
from tracehound.streams.kafka.columned_records import ColumnedRecords, written_headers
from tracehound.streams.kafka.forwarding import ORIGIN_PREFIX
from tracehound.streams.kafka.made_sequence import MadeSequence
from tracehound.streams.kafka.publisher import Outgoing, WrittenPart, WrittenRecords

_LEFT_OUT: Final = np.frombuffer(ORIGIN_PREFIX.encode() + PADDING, np.uint8)


class AlikeLetters(MadeSequence[DeadLetter]):
    """A letter about each of some records, of which there is at least one, with its value as it came.

    Parameters:
        records: all that are refused.
        refused: why; without a value, and with no format.
    """

    def __init__(self, records: ColumnedRecords, refused: Rejection) -> None:
        self.records, self._refused = records, refused

    @property
    def error(self) -> str:
        """The class of error of all of them."""
        return self._refused.error

    def __len__(self) -> int:
        return len(self.records)

    def made(self, index: int) -> DeadLetter:
        """The letter about the record at this index."""
        record = self.records[index]
        return letter_of(record, record.value, stage_of(self._refused), self._refused.error, self._refused.reason)

    def outgoing(self, topic: str) -> WrittenRecords:
        """All of them as records of ``topic``."""
        return _Written(self, topic)


class _Written(WrittenRecords):
    def __init__(self, letters: AlikeLetters, topic: str) -> None:
        super().__init__(topic)
        self._letters = letters

    def __len__(self) -> int:
        return len(self._letters)

    def made(self, index: int) -> Outgoing:
        letter = self._letters[index]
        return Outgoing(self.topic, letter.key, letter.value, letter.wire_headers())

    def written(self, partitions: int, room: int) -> Iterator[WrittenPart]:
        records = self._letters.records
        text = records.text
        ours = self._letters[0].our_headers()  # of which only offset and timestamp differ
        before, behind = (np.frombuffer(written_headers(part), np.uint8) for part in (ours[:2], ours[4:]))
        names = [written_headers([(name, b"")])[:-1] for name, _ in ours[2:4]]  # without the length of nothing
        name = np.frombuffer(b"".join(names), np.uint8)
        measures = np.empty((len(self), MEASURES), np.int64)
        fixed = len(before) + len(name) + len(behind)
        measure_letters(text, records.places, _LEFT_OUT, partitions, fixed, measures)
        for target in np.unique(measures[:, TARGET]).tolist():
            rows = np.flatnonzero(measures[:, TARGET] == target)
            for begin, end in _parts(measures[rows, SIZE] + MOST_FRAMING, room):
                part = rows[begin:end]
                content = np.empty(int(measures[part, SIZE].sum()) + MOST_FRAMING * len(part), np.uint8)
                length = write_letters(
                    *(text, records.places, measures, part, _LEFT_OUT),
                    *(before, name, len(names[0]), behind, content),
                )
                yield WrittenPart(None if target == ANYWHERE else target, part.tolist(), content[:length].data)


def _parts(sizes: np.ndarray[tuple[int], np.dtype[np.int64]], room: int) -> Iterator[tuple[int, int]]:
    """As many in a row as there is room for, and at least one, again and again."""
    ends, begin, before = np.cumsum(sizes), 0, 0
    while begin < len(ends):
        end = max(begin + 1, int(np.searchsorted(ends, before + room, side="right")))
        yield begin, end
        begin, before = end, int(ends[end - 1])
