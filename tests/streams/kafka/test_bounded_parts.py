"""However much records hold once they are unpacked, little of them is in memory at once, and none is left out."""

from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from tests.streams.kafka.test_bounded_batches import batch
from tracehound.streams.kafka.bounded_batches import BoundedRecords, bound_batches, packed_sentence
from tracehound.streams.kafka.bounded_parts import PART_BYTES, BoundedPart, PlainRecords
from tracehound.streams.kafka.librdkafka import longest_record
from tracehound.streams.kafka.odd_records import UNREAD_HEADER
from tracehound.streams.settings.settings import Settings

TP = TopicPartition("executions", 3)
ZSTD = 4


@pytest.fixture(autouse=True)
def bound() -> None:
    """As in every worker."""
    settings = Settings()
    bound_batches(settings.batch_bytes, longest=longest_record(settings))


class Assignment:
    """A partition that is read."""

    active, paused, position = True, False, 0

    def state_value(self, _: TopicPartition) -> "Assignment":
        return self

    def consumed_to(self, position: int) -> None:
        self.position = position


def parts(content: bytes, most_records: int = 5_000) -> tuple[list[list[ConsumerRecord]], int]:
    """All parts that a fetch is given in, and where the next one begins."""
    records: Any = PlainRecords(TP, BoundedRecords(content), [], 0, None, None, True, 1)
    assignment = Assignment()
    fetched, given = BoundedPart(TP, assignment=assignment, partition_records=records, backoff=0), []
    while fetched.has_more():
        given.append(list(fetched.getall(most_records)))
    assert fetched.getall(most_records) == []
    return [part for part in given if part], assignment.position


def test_small_records_are_given_by_their_number() -> None:
    given, position = parts(batch(0, [b"value"] * 10), most_records=4)
    assert [[record.offset for record in part] for part in given] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert position == 10


def test_large_ones_by_their_bytes() -> None:
    content = b"".join(batch(ZSTD, [bytes(PART_BYTES // 2)] * 2, base=2 * number) for number in range(3))
    assert len(content) < 10_000
    given, position = parts(content)
    assert [[record.offset for record in part] for part in given] == [[0, 1], [2, 3], [4, 5]]
    assert position == 6


def test_of_one_that_is_too_long_the_begin_is_kept_and_it_says_so() -> None:
    [[long], [last]], position = parts(batch(ZSTD, [b"{" * 9_500_000, b"last"]))
    assert long.value == b"{" * 65_536
    assert packed_sentence(long.headers) == (
        "A record must have at most 9000000 bytes. Got 9500000 instead, of which the first 65536 are kept."
    )
    assert (last.value, position) == (b"last", 2)


def test_of_records_of_nothing_but_headers_few_are_given_and_too_many_headers_are_not_read() -> None:
    builder = DefaultRecordBatchBuilder(2, ZSTD, 0, -1, -1, -1, 2**31 - 1)
    headers: list[tuple[str, bytes | None]] = [("", None)] * 2_100_000
    assert builder.append(0, 1_700_000_000_000, None, b"value", headers) is not None
    assert builder.append(1, 1_700_000_000_000, None, b"last", []) is not None
    [[many, last]], position = parts(bytes(builder.build()))
    [(name, sentence)] = many.headers
    assert name == UNREAD_HEADER
    assert b"2100000 headers of at most 10000" in sentence
    assert (last.value, position) == (b"last", 2)
