"""Batches are unpacked as aiokafka does, up to a bound; what cannot be is one record with its bytes."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiokafka import TopicPartition, codec
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record._crc32c import crc
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from tracehound.streams.kafka import bounded_batches
from tracehound.streams.kafka.bounded_batches import (
    BATCHES_REFUSED,
    BatchTooLargeError,
    BoundedRecords,
    bound_batches,
    unpack_gzip,
    unpack_lz4,
    unpack_snappy,
    unpack_zstd,
)
from tracehound.streams.kafka.odd_records import UNREAD_HEADER
from tracehound.streams.settings.settings import Settings

TP = TopicPartition("executions", 3)
MOST = 1_000_000
CODECS: dict[int, tuple[Callable[[Any], bytes], Callable[[Any, int], Any]]] = {
    1: (codec.gzip_encode, unpack_gzip),
    2: (codec.snappy_encode, unpack_snappy),
    3: (codec.lz4_encode, unpack_lz4),
    4: (codec.zstd_encode, unpack_zstd),
}


def batch(number: int, values: list[bytes], base: int = 0) -> bytes:
    builder = DefaultRecordBatchBuilder(2, number, 0, -1, -1, -1, 2**31 - 1)
    for offset, value in enumerate(values):
        assert builder.append(offset, 1_700_000_000_000, b"key", value, []) is not None
    made = bytearray(builder.build())
    made[:8] = base.to_bytes(8, "big")  # (the checksum does not count it)
    return bytes(made)


def read(content: bytes, begin: int = 0) -> tuple[list[Any], int]:
    records = PartitionRecords(TP, BoundedRecords(content), [], begin, None, None, True, 1)
    return list(records), records.next_fetch_offset


@pytest.fixture(autouse=True)
def bound() -> Iterator[None]:
    """The bound holds for the process, so it is taken back."""
    bound_batches(MOST)
    yield
    bound_batches(Settings().batch_bytes)


@pytest.mark.parametrize("number", CODECS)
@given(content=st.binary(min_size=1, max_size=5_000), times=st.integers(1, 100))
def test_what_is_within_the_bound_is_unpacked_as_it_was(number: int, content: bytes, times: int) -> None:
    pack, unpack = CODECS[number]
    whole = content * times
    assert unpack(pack(whole), len(whole)) == whole


@pytest.mark.parametrize("number", CODECS)
def test_what_is_beyond_the_bound_is_refused(number: int) -> None:
    pack, unpack = CODECS[number]
    packed = pack(bytes(50_000_000))
    assert len(packed) < 3_000_000
    with pytest.raises(BatchTooLargeError, match="at most 1000 bytes"):
        unpack(packed, 1_000)


def test_gzip_of_several_members_is_read_and_a_torn_one_is_not() -> None:
    assert unpack_gzip(codec.gzip_encode(b"one") + codec.gzip_encode(b"two"), 6) == b"onetwo"
    with pytest.raises(EOFError):
        unpack_gzip(codec.gzip_encode(b"one" * 100)[:-9], 1_000)
    with pytest.raises(zlib.error):
        unpack_gzip(b"no gzip", 1_000)


@pytest.mark.parametrize("number", CODECS)
def test_batches_before_and_behind_one_that_is_too_large_are_read(number: int) -> None:
    large = batch(number, [b"small", bytes(20_000_000)], base=2)
    content = batch(number, [b"a", b"b"]) + large + batch(0, [b"c"], base=4)
    records, following = read(content)
    assert [record.offset for record in records] == [0, 1, 3, 4]
    assert [record.value for record in records] == [b"a", b"b", large, b"c"]
    assert following == 5
    ((name, sentence),) = records[2].headers
    assert name == UNREAD_HEADER
    assert b"must unpack to at most 1000000 bytes" in sentence
    assert read(content, begin=3)[0][0].value == large  # a reader may stand in the midst of it


@pytest.mark.parametrize("number", [0, 4])
@pytest.mark.parametrize("count", [1, 499, 500, 501, 1_000])
def test_what_is_not_odd_is_read_by_aiokafka_alone(monkeypatch: pytest.MonkeyPatch, number: int, count: int) -> None:
    monkeypatch.setattr(bounded_batches, "odd_records", lambda _: pytest.fail("it is not odd"))
    records, following = read(batch(number, [b"value"] * count) + batch(number, [b"behind"], base=count))
    assert [record.offset for record in records] == list(range(count + 1))
    assert following == count + 1


def test_refused_batches_are_counted() -> None:
    before = BATCHES_REFUSED._value.get()
    read(batch(4, [bytes(20_000_000)]))
    assert BATCHES_REFUSED._value.get() == before + 1


def test_a_batch_that_is_damaged_though_its_checksum_is_right_is_one_record() -> None:
    made = bytearray(batch(3, [b"a" * 1_000]))
    made[70:80] = b"\xff" * 10
    made[17:21] = crc(bytes(made[21:])).to_bytes(4, "big")
    records, following = read(bytes(made))
    assert [record.value for record in records] == [bytes(made)]
    assert following == 1


@pytest.fixture(params=[0, 4])
def odd(request: pytest.FixtureRequest) -> Callable[[bytes, bytes], bytes]:
    """Three records with a header each, packed and not, of which some bytes are others."""

    def make(these: bytes, others: bytes) -> bytes:
        builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 2**31 - 1)
        for offset in range(3):
            assert builder.append(offset, 1_700_000_000_000, b"key", b"value", [(f"name{offset}", b"x")]) is not None
        made = bytearray(builder.build())
        records = bytes(made[61:])
        assert records.count(these) == 1
        made[61:] = (
            codec.zstd_encode(records.replace(these, others)) if request.param else records.replace(these, others)
        )
        made[8:12] = (len(made) - 12).to_bytes(4, "big")
        made[22] = request.param
        made[17:21] = crc(bytes(made[21:])).to_bytes(4, "big")
        return bytes(made)

    return make


Odd = Callable[[bytes, bytes], bytes]


def test_names_of_headers_that_are_no_text_are_escaped_and_their_records_read(odd: Odd) -> None:
    records, following = read(odd(b"name1", b"\xffame1") + batch(0, [b"behind"], base=3))
    assert [record.value for record in records] == [b"value"] * 3 + [b"behind"]
    assert [list(record.headers) for record in records[:3]] == [
        [("name0", b"x")],
        [("\\xffame1", b"x")],
        [("name2", b"x")],
    ]
    assert ([record.offset for record in records], following) == ([0, 1, 2, 3], 4)
    assert {record.timestamp for record in records} == {1_700_000_000_000}


def test_a_record_that_cannot_be_read_is_one_with_its_bytes_and_the_next_is_read(odd: Odd) -> None:
    records, following = read(odd(b"\x0aname1", b"\x7dname1"))
    assert [record.offset for record in records] == [0, 1, 2]
    assert [record.value == b"value" for record in records] == [True, False, True]
    assert b"name1" in records[1].value
    assert [name for name, _ in records[1].headers] == [UNREAD_HEADER]
    assert following == 3


def test_of_a_record_without_an_end_all_that_follows_is_one_record(odd: Odd) -> None:
    content = odd(b"name1\x02x", b"name1\x02x\xff\xff\xff\xff\x0f")
    records, following = read(content + batch(0, [b"behind"], base=3))
    assert records[0].value == b"value"
    assert records[-1].value == b"behind"
    assert any(UNREAD_HEADER in dict(record.headers) for record in records)
    assert following == 4


@pytest.mark.parametrize("said", [b"\x80\x10", b"\x00", b"\x01", b"\x04"])  # 1024, 0, -1, 2
def test_no_record_is_at_an_offset_outside_of_its_batch_or_twice(said: bytes) -> None:
    made = bytearray(batch(0, [b"one", b"two", b"three"], base=7))
    at = made.index(b"\x06key\x06two")
    assert made[at - 1] == 2
    made[at - 1 : at] = said
    begin = at - 4
    made[begin] += 2 * (len(said) - 1)
    made[8:12] = (len(made) - 12).to_bytes(4, "big")
    made[17:21] = crc(bytes(made[21:])).to_bytes(4, "big")
    records, following = read(bytes(made) + batch(0, [b"behind"], base=10), begin=7)
    assert [record.value for record in records] == [b"one", b"two", b"three", b"behind"]
    assert [record.offset for record in records] == [7, 8, 9, 10]
    assert following == 11
