"""Letters that say the same of many records: as those that are written one by one, byte for byte."""

import random
from collections import defaultdict

import numpy as np
import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.partitioner import murmur2
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from tracehound.schemas.dead_letter import read_dead_letter
from tracehound.schemas.rejection import Rejection
from tracehound.streams.delivery.alike_letters import AlikeLetters
from tracehound.streams.delivery.letters import rejection_letter
from tracehound.streams.envelopes.short_values import REFUSED
from tracehound.streams.kafka import columned_batches
from tracehound.streams.kafka.bounded_batches import BoundedRecords
from tracehound.streams.kafka.columned_batches import ColumnedPartition
from tracehound.streams.kafka.columned_records import ColumnedRecords
from tracehound.streams.kafka.publisher import Outgoing, WrittenPart
from tracehound.streams.kafka.written_batch import WrittenBatch

PARTITIONS, NOW_MS = 7, 1_790_000_000_000
Headers = tuple[tuple[str, bytes | None], ...]
HEADERS: tuple[Headers, ...] = (
    (),
    (("mine", b"1"), ("nothing", None), ("empty", b"")),
    (("tracehound_origin_offset", b"7"), ("long", b"x" * 300), ("tracehound_origin", b"kept")),
    (("tracehound_origin_topic", b"a"), ("tracehound_origin_partition", b"b")),
    tuple((f"h{number}", b"v") for number in range(100)),
)


def records(seed: int, count: int = 400) -> list[ConsumerRecord]:
    chance = random.Random(seed)
    found, offset = [], chance.choice([0, 5, 10**12])
    for _ in range(count):
        offset += chance.choice([1, 1, 1, 2, 1_000])
        key = chance.choice([None, b"", chance.randbytes(chance.randrange(12)), b"k" * 200])
        value = chance.choice([None, b"", chance.randbytes(chance.randrange(70)), b"v" * 40])
        stamp = chance.choice([0, -1, 1_767_225_600_000 + offset, 9_999_999_999_999])
        of_record = ("executions", 3, offset, stamp, 0, key, value, None)
        found.append(ConsumerRecord(*of_record, len(key or b""), len(value or b""), chance.choice(HEADERS)))
    return found


def read(part: WrittenPart) -> list[Outgoing]:
    batch = DefaultRecordBatch(bytes(WrittenBatch(part.content, len(part.rows), NOW_MS)._build()))
    assert batch.validate_crc()
    found = list(batch)
    assert [one.offset for one in found] == list(range(len(part.rows)))
    assert {one.timestamp for one in found} == {NOW_MS}
    return [Outgoing("letters", one.key, one.value, one.headers) for one in found]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("refused", REFUSED.values())
def test_a_letter_is_written_as_it_would_be_alone(seed: int, refused: Rejection) -> None:
    given = records(seed)
    letters = AlikeLetters(ColumnedRecords.of(given), refused)
    alone = [rejection_letter(one, refused) for one in given]
    for one, record in zip(alone, given, strict=True):
        one.value = record.value  # which a refusal of many has not
    assert list(letters) == alone
    assert letters[1:3] == alone[1:3]
    outgoing = letters.outgoing("letters")
    expected = [
        Outgoing("letters", one.key, b"" if one.key is None and one.value is None else one.value, one.wire_headers())
        for one in alone
    ]
    where: defaultdict[int | None, list[int]] = defaultdict(list)
    for part in outgoing.written(PARTITIONS, 20_000):
        assert read(part) == [expected[row] for row in part.rows]
        assert len(part.content) <= 20_000 or len(part.rows) == 1
        where[part.partition] += part.rows
    assert sorted(row for rows in where.values() for row in rows) == list(range(len(given)))
    for partition, rows in where.items():
        for row in rows:
            key = given[row].key
            assert partition == (None if key is None else (murmur2(key) & 0x7FFFFFFF) % PARTITIONS)


def test_a_batch_is_what_aiokafka_makes_of_the_same_records() -> None:
    given = [one for one in records(9) if one.key is None]
    letters = AlikeLetters(ColumnedRecords.of(given), REFUSED[2])
    (part,) = letters.outgoing("letters").written(1, 10**9)
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 10**9)
    for place, one in enumerate(letters):
        builder.append(place, NOW_MS, one.key, one.value or b"", one.wire_headers())
    assert bytes(WrittenBatch(part.content, len(given), NOW_MS)._build()) == bytes(builder.build())


def test_a_letter_that_is_longer_than_a_batch_goes_alone() -> None:
    given = records(1, 3)
    parts = list(AlikeLetters(ColumnedRecords.of(given), REFUSED[1]).outgoing("letters").written(1, 1))
    assert sorted(row for part in parts for row in part.rows) == [0, 1, 2]
    assert all(read(part)[0].headers for part in parts)


def test_records_that_are_chosen_are_as_they_were() -> None:
    given = records(2, 50)
    some = ColumnedRecords.of(given).chosen(np.array([3, 4, 40]))
    assert [one.offset for one in some] == [given[row].offset for row in (3, 4, 40)]
    last = ColumnedRecords.of(given).chosen(np.array([49]))
    letters = AlikeLetters(last, REFUSED[1])
    (part,) = letters.outgoing("letters").written(1, 10**6)
    (found,) = read(part)
    assert read_dead_letter(found.value, found.key, found.headers).offset == given[49].offset


def test_letters_about_what_was_fetched_are_those_about_its_records() -> None:
    columned_batches._topics.add("fetched")
    given = records(3, 60)
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 10**9)
    for place, one in enumerate(given):
        builder.append(place, NOW_MS + place, one.key, one.value, [*one.headers])
    batches = BoundedRecords(bytes(builder.build()))
    taken = ColumnedPartition(TopicPartition("fetched", 0), batches, None, 0, None, None, True, 1).take(60)
    columned_batches._topics.discard("fetched")
    assert taken is not None
    rows = np.array([2, 5, 6, 30])
    letters = AlikeLetters(taken[10:50].chosen(rows), REFUSED[1])
    assert [(one.key, one.value) for one in letters] == [(given[10 + row].key, given[10 + row].value) for row in rows]
    for part in letters.outgoing("letters").written(PARTITIONS, 10**6):
        for found, row in zip(read(part), part.rows, strict=True):
            assert (found.key, found.headers) == (letters[row].key, letters[row].wire_headers())
            assert found.value == (letters[row].value or (b"" if letters[row].key is None else letters[row].value))
