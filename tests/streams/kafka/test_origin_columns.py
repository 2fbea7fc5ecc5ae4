"""Origins that are read as columns are those that are read one by one, whatever headers say."""

from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from tracehound.streams.kafka.columned_records import ColumnedRecords
from tracehound.streams.kafka.forwarding import ORIGIN_PREFIX, Headers, Origin, origin_headers, read_origin
from tracehound.streams.kafka.origin_columns import NO_ORIGIN, OriginReader

TOPICS, PARTITIONS = {"spans", "Ünï"}, 12
NAMES = st.sampled_from([ORIGIN_PREFIX + one for one in ("topic", "partition", "offset", "topic_id", "")] + ["other"])
NUMBERS = st.sampled_from(
    [b"0", b"7", b"11", b"12", b"007", b"", b"-1", b"1e3", b"9" * 17, b"1" + b"0" * 17, b"0" * 19]
)
VALUES = st.none() | NUMBERS | st.sampled_from([b"spans", "Ünï".encode(), b"elsewhere", b"\xff", b"x" * 70])
GOOD = st.builds(
    origin_headers,
    st.sampled_from([[], [("traceparent", b"00-1")]]),
    st.sampled_from(["spans", "Ünï", "elsewhere"]),
    st.integers(0, 12),
    st.integers(0, 10**18),
    st.sampled_from(["", "begun", "x" * 70]),
)
HEADERS: st.SearchStrategy[Headers] = st.just([]) | GOOD | GOOD | st.lists(st.tuples(NAMES, VALUES), max_size=6)


def _records(given_headers: list[Headers]) -> ColumnedRecords:
    made = [
        ConsumerRecord("t", 0, offset, 0, 0, None, b"value", None, -1, 5, tuple(headers))
        for offset, headers in enumerate(given_headers)
    ]
    return ColumnedRecords.of(made)


@given(st.lists(HEADERS, min_size=1, max_size=8))
def test_origins_are_those_that_are_read_one_by_one(given_headers: list[Headers]) -> None:
    origins = OriginReader(TOPICS, PARTITIONS).read(_records(given_headers))
    found: list[Origin | None] = [
        None if origins.topic[row] == NO_ORIGIN else origins.origin(row) for row in range(len(origins))
    ]
    assert found == [read_origin(headers, TOPICS, PARTITIONS) for headers in given_headers]
    assert origins.count == len(found) - found.count(None)


def test_records_with_a_mark_are_told() -> None:
    reader = OriginReader(TOPICS, PARTITIONS, ["mark"])
    assert reader.read(_records([[], [("mark", b"")]])).marked
    assert not reader.read(_records([[], [("other", b"mark")]])).marked
