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

from tracehound.streams.kafka.bounded_batches import (
    BATCHES_REFUSED,
    PACKED_HEADER,
    BatchTooLargeError,
    BoundedRecords,
    bound_batches,
    unpack_gzip,
    unpack_lz4,
    unpack_snappy,
    unpack_zstd,
)
from tracehound.streams.settings.settings import Settings

TP = TopicPartition("executions", 3)
MOST = 1_000_000
CODECS: dict[int, tuple[Callable[[Any], bytes], Callable[[Any, int], bytes]]] = {
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
    assert name == PACKED_HEADER
    assert b"must unpack to at most 1000000 bytes" in sentence
    assert read(content, begin=3)[0][0].value == large  # a reader may stand in the midst of it


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
