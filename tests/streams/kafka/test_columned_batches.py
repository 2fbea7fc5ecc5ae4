"""Batches that are read into columns hold what aiokafka reads of them, record by record: any batches, damaged too."""

import gc
import weakref
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import KafkaError
from aiokafka.record._crc32c import crc
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.columns.json_tokens import SEPARATOR
from tracehound.streams.kafka import columned_batches
from tracehound.streams.kafka.bounded_batches import BoundedRecords
from tracehound.streams.kafka.columned_batches import ColumnedPartition, ColumnedResult
from tracehound.streams.kafka.columned_records import ColumnedRecords

TP = TopicPartition("columned", 3)
BYTES = st.none() | st.binary(max_size=12) | st.just(b"x" * 200)
HEADERS = st.lists(st.tuples(st.sampled_from(["a", "traceparent", "Ü"]), BYTES), max_size=3)
RECORDS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 300), BYTES, BYTES, HEADERS), min_size=1, max_size=5)
DAMAGE = st.none() | st.tuples(st.integers(12, 400), st.integers(0, 255), st.booleans())
KINDS = st.sampled_from(["plain", "plain", "plain", "appended", "transactional", "control"])
BATCHES = st.lists(st.tuples(KINDS, st.integers(0, 4), RECORDS, DAMAGE), min_size=1, max_size=4)


@pytest.fixture(autouse=True, scope="module")
def columned() -> Iterator[None]:
    """Records of the topic are columns."""
    columned_batches._topics.add(TP.topic)
    yield
    columned_batches._topics.discard(TP.topic)


def _batch(kind: str, codec: int, records: Sequence[tuple[Any, ...]], damage: Any, base: int) -> tuple[bytes, int]:
    """A batch from the offset ``base`` on, and the offset that follows it."""
    if kind == "control":  # as brokers write them
        codec, records, damage = 0, [(0, 0, b"\0\0\0\1", None, [])], None
    builder = DefaultRecordBatchBuilder(2, codec, kind == "transactional", 7, 0, 0, 2**31 - 1)
    delta = -1
    for gap, time, key, value, headers in records:
        delta += 1 + gap
        builder.append(delta, 1_700_000_000_000 + time, key, value, headers)
    made = bytearray(builder.build())
    made[:8] = base.to_bytes(8, "big")
    made[22] |= {"appended": 0x08, "control": 0x20}.get(kind, 0)
    if damage is not None:
        at, byte, _ = damage
        if at < len(made):
            made[at] = byte
    if damage is None or damage[2]:
        made[17:21] = crc(bytes(made[21:])).to_bytes(4, "big")
    return bytes(made), base + delta + 1


def _content(batches: Sequence[tuple[Any, ...]]) -> bytes:
    content, base = b"", 0
    for kind, codec, records, damage in batches:
        made, base = _batch(kind, codec, records, damage, base)
        content += made
    return content


def _read(kind: type[PartitionRecords], content: bytes, begin: int, aborted: Any) -> PartitionRecords:
    return kind(TP, BoundedRecords(content), aborted, begin, None, None, True, 1)


class _Assignment:
    """That of one partition, at a position of its own."""

    active = True

    def __init__(self, position: int) -> None:
        self.state = SimpleNamespace(paused=False, position=position, consumed_to=self._consumed_to)

    def _consumed_to(self, position: int) -> None:
        self.state.position = position

    def state_value(self, _: Any) -> Any:
        return self.state


def _one_by_one(content: bytes, begin: int, aborted: Any) -> tuple[list[Any], int, bool]:
    """The records, what follows them, and whether all could be read."""
    fetched, found = _read(PartitionRecords, content, begin, aborted), list[Any]()
    try:
        found.extend(fetched)
    except (KafkaError, ValueError, SystemError):  # (the last of the oldest formats, damaged)
        return found, fetched.next_fetch_offset, False
    return found, fetched.next_fetch_offset, True


def _together(content: bytes, begin: int, aborted: Any, most: int | None) -> tuple[list[Any], int, bool]:
    assignment, found = _Assignment(begin), list[Any]()
    fetched = _read(ColumnedPartition, content, begin, aborted)
    result = ColumnedResult(TP, assignment=assignment, partition_records=fetched, backoff=0)
    try:
        while result.has_more():
            records = result.getall(most)
            assert most is None or len(records) <= most
            found += records
    except (KafkaError, ValueError, SystemError):  # (the last of the oldest formats, damaged)
        return found, assignment.state.position, False
    return found, assignment.state.position, True


@given(
    BATCHES,
    st.integers(0, 12),
    st.none() | st.integers(1, 6),
    st.sampled_from([[], [], [(7, 2)]]),
    st.integers(0, 40),
)
def test_batches_are_read_as_record_by_record(
    batches: list[tuple[Any, ...]], begin: int, most: int | None, aborted: list[tuple[int, int]], cut: int
) -> None:
    content = _content(batches)
    torn = content[: len(content) - cut]
    content = torn if BoundedRecords(torn).has_next() else content
    expected, following, whole = _one_by_one(content, begin, list(aborted))
    found, position, read = _together(content, begin, list(aborted), most)
    assert read is whole
    if whole:
        assert (found, position) == (expected, following)
    else:  # what stands before the damage may come, and comes again
        assert found == expected[: len(found)]


def test_usual_batches_are_columns_whatever_packs_them() -> None:
    batches = [("plain", codec, [(0, 5, b"k", b"v" * 40, [("a", b"b")])] * 3, None) for codec in range(5)]
    fetched = _read(ColumnedPartition, _content(batches), 0, [])
    records = fetched.take(7)
    assert isinstance(records, ColumnedRecords)
    assert [record.offset for record in records] == list(range(7))
    assert not fetched.taken
    rest = fetched.take(100)
    assert isinstance(rest, ColumnedRecords)
    assert rest.offsets.tolist() == list(range(7, 15))
    assert fetched.taken
    assert rest[-1].headers == (("a", b"b"),)


def test_values_are_followed_by_what_ends_a_text() -> None:
    headers = [("name", b"12345")] * 70  # as many as take two bytes to say
    given_records = [(0, 5, b"k", b"1", headers[:count]) for count in (0, 1, 24, 70)]
    fetched = _read(ColumnedPartition, _content([("plain", 3, given_records, None)]), 0, [])
    records = fetched.take(10)
    assert isinstance(records, ColumnedRecords)
    values = records.values
    assert [values.text[begin:end].tobytes() for begin, end in zip(values.begins, values.ends, strict=True)] == [
        b"1"
    ] * 4
    assert values.text[values.ends].tobytes() == SEPARATOR * 4
    assert [list(record.headers) for record in records] == [headers[:count] for count in (0, 1, 24, 70)]


def test_batches_that_unpack_to_very_much_are_columns_too() -> None:
    batches: list[tuple[Any, ...]] = [
        ("plain", codec, [(0, 5, b"k", b"v" * 100_000, [])] * 3, None) for codec in (0, 3, 4, 3)
    ]
    fetched = _read(ColumnedPartition, _content(batches), 0, [])
    found: list[Any] = []
    while not fetched.taken:
        records = fetched.take(100)
        assert isinstance(records, ColumnedRecords)
        found += records
    assert [(record.offset, record.value) for record in found] == [(offset, b"v" * 100_000) for offset in range(12)]


def test_of_other_topics_aiokafka_reads_the_records() -> None:
    content = _content([("plain", 0, [(0, 5, b"k", b"v", [])], None)])
    other = TopicPartition("other", 3)
    fetched = ColumnedPartition(other, BoundedRecords(content), [], 0, None, None, True, 1)
    result = ColumnedResult(other, assignment=_Assignment(0), partition_records=fetched, backoff=0)
    assert type(result.getall()) is list


def test_batches_of_an_older_format_are_left() -> None:
    builder = LegacyRecordBatchBuilder(1, 0, 2**31 - 1)
    builder.append(0, 1_700_000_000_000, b"k", b"v")
    fetched = _read(ColumnedPartition, bytes(builder.build()), 0, [])
    assert fetched.take(5) is None
    assert [record.value for record in fetched] == [b"v"]


def test_batches_that_unpack_to_very_much_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columned_batches, "_MOST_BYTES", 1_000)
    content = _content([("plain", 4, [(0, 5, None, value, [])], None) for value in (b"v", bytes(2_000), b"v")])
    fetched = _read(ColumnedPartition, content, 0, [])
    first = fetched.take(10)
    assert first is not None
    assert first.offsets.tolist() == [0]
    assert fetched.take(10) is None
    assert [len(record.value) for record in fetched] == [2_000, 1]


def test_what_may_not_be_unpacked_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedRecords, "most", 1_000)
    fetched = _read(ColumnedPartition, _content([("plain", 4, [(0, 5, None, bytes(2_000), [])], None)]), 0, [])
    assert fetched.take(10) is None


def test_a_fetch_is_unpacked_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columned_batches, "_MOST_BYTES", 100)
    fetched = _read(ColumnedPartition, _content([("plain", 0, [(0, 5, None, b"v" * 60, [])], None)] * 2), 0, [])
    found: list[list[int]] = []
    while not fetched.taken:
        records = fetched.take(10)
        assert records is not None
        found.append(records.offsets.tolist())
    assert found == [[0], [1]]


@pytest.mark.parametrize("result", [FetchResult, ColumnedResult])
def test_where_reading_was_sent_elsewhere_nothing_is_handed_over(result: type[FetchResult]) -> None:
    content = _content([("plain", 0, [(0, 5, b"k", b"v", [])], None)])
    fetched = _read(ColumnedPartition, content, 0, [])
    assert result(TP, assignment=_Assignment(9), partition_records=fetched, backoff=0).getall(5) == []


@pytest.mark.parametrize("topic", [TP.topic, "other"])
@pytest.mark.parametrize("most", [1, 2])
def test_what_was_taken_or_is_dropped_is_freed_without_a_look_for_cycles(topic: str, most: int) -> None:
    """The collector of cycles looks after very many objects; columns are few, and workers kept what they read."""
    tp = TopicPartition(topic, 3)
    content = _content([("plain", 3, [(0, 5, b"k", b"v", [])] * 2, None)])
    fetched = ColumnedPartition(tp, BoundedRecords(content), [], 0, None, None, True, 1)
    result = ColumnedResult(tp, assignment=_Assignment(0), partition_records=fetched, backoff=0)
    left = weakref.ref(fetched)
    gc.disable()
    try:
        assert len(result.getall(most)) == most
        del fetched, result
        assert left() is None
    finally:
        gc.enable()
