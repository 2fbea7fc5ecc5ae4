"""Records that are read together, next to the same read one after the other."""

from collections import defaultdict
from dataclasses import fields
from itertools import chain
from typing import Any

import msgspec
import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from tests.detectors.columns.same_columns import assert_same
from tracehound.detectors.columns.columned_executions import columned
from tracehound.schemas.codec import encode
from tracehound.schemas.control import CONTROL_HEADER
from tracehound.schemas.execution import Execution, ExecutionHead, Segment, whole
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.delivery.letters import FAILURE
from tracehound.streams.envelopes.opener import SCHEMA_HEADER
from tracehound.streams.kafka.forwarding import Headers, Partitioner, origin_headers
from tracehound.streams.kafka.odd_records import UNREAD_HEADER
from tracehound.streams.scoring.read_run import Reading, RunReader
from tracehound.streams.states.partitions import Partition, Seen

TOPIC, PARTITIONS, NUMBER = "executions.v1", 3, 1
SPANS = b'{"resourceSpans":[]}'
LIMITS = Limits(max_event_bytes=400, max_record_bytes=600, max_segments=3)
HERE, ELSEWHERE = (
    [name for name in map("app-{}".format, range(20)) if (Partitioner(PARTITIONS).partition_of(name) == NUMBER) is here]
    for here in (True, False)
)


def _execution(application: str, started_at: float | str = 90.0, segments: int = 0, version: str = "") -> bytes:
    made = [Segment("SELECT", 1.0, parent=None if at == 0 else at - 1) for at in range(segments)]
    return encode(Execution(application, "GET /Cart", started_at, 5.0, version=version, segments=made))


def _record(offset: int, value: bytes | None, headers: Headers, timestamp_ms: int = 100_000) -> ConsumerRecord:
    return ConsumerRecord(TOPIC, NUMBER, offset, timestamp_ms, 0, b"key", value, None, -1, -1, tuple(headers))


AGAIN = (
    *(b'"segments":[],"segments":[{"name":"x"}]', b'"segments":[{"name":"x"}],"segments":[]', b'"segments":7'),
    *(b'"duration_ms":-1', b'"duration_ms":2', b'"started_at":"soon"', b'"application":7'),
    b'"segments":[{"name":"a","duration_ms":1,"name":7}]',
    b'"segments":[{"name":7,"name":"a","duration_ms":1}]',
)
USUAL = st.sampled_from([_execution(name, segments=count) for name in HERE[:4] for count in (0, 2)])
ODD = st.sampled_from(
    [
        _execution(ELSEWHERE[0]),
        _execution(HERE[0], "1970-01-01T00:01:30Z"),
        _execution(HERE[0], "soon"),
        _execution(HERE[0], 1e6),
        _execution(HERE[0], segments=4),
        _execution(HERE[0], version="Ü"),
        _execution(HERE[0], version="x" * 500),
        b"[" + _execution(HERE[0]) + b"," + _execution(HERE[1]) + b"]",
        b"[" + _execution(HERE[0], segments=1) + b"," + _execution(HERE[0], segments=3) + b"]",
        b"[" + b",".join([_execution(HERE[0])] * 5) + b"]",
        b"[" + _execution(HERE[0]) + b"," + _execution(HERE[0], version="x" * 500) + b"]",
        _execution(HERE[0], segments=3).replace(b'"parent":1', b'"parent":2'),
        _execution(HERE[0], segments=1).replace(b'"duration_ms":1.0', b'"duration_ms":1e-300'),
        b"[]",
        b"",
        b'{"application":"app"',
        *(_execution(HERE[0])[:-1] + b"," + again + b"}" for again in AGAIN),
        _execution(HERE[0], version="Ü").replace("Ü".encode(), b"\xff"),
        None,
    ]
)
HEADERS = st.sampled_from(
    [
        [("traceparent", b"00-1")],
        [(CONTROL_HEADER, b"1")],
        [(UNREAD_HEADER, b"It is too large.")],
        origin_headers([], TOPIC, 0, 5),
        origin_headers([], TOPIC, 0, 9),
        origin_headers([], TOPIC, 0, 9, "anew"),
        origin_headers([("traceparent", b"00-1")], "spans.v1", 2, 10**16),
        [("tracehound_origin_topic", b"spans.v1"), ("tracehound_origin_partition", b"0"), ("traceparent", None)],
        origin_headers([], "other", 0, 9),
    ]
)
RECORDS: st.SearchStrategy[list[tuple[bytes | None, Headers]]] = st.lists(
    st.one_of(
        st.tuples(USUAL, st.just([])),
        st.tuples(USUAL, st.just([])),
        st.tuples(USUAL, st.just([("traceparent", b"00-1")])),
        st.tuples(ODD, st.just([])),
        st.tuples(USUAL, HEADERS),
    ),
    min_size=1,
    max_size=8,
)


def _partition(scored_to: int, learned_to: int | None) -> Partition:
    partition = Partition(NUMBER, scored_to=scored_to)
    if learned_to is not None:
        partition.learned_to[HERE[0], ""] = learned_to
    return partition


def _reader(normalize: bool) -> RunReader:
    return RunReader(TOPIC, PARTITIONS, LIMITS, str.lower if normalize else None, ["spans.v1"])


def _read_by(reading: Reading) -> dict[str, Any]:
    apart = ("parts", "origins", "dead_letters", "alike_letters")
    found = {one.name: getattr(reading, one.name) for one in fields(reading) if one.name not in apart}
    letters = chain(reading.dead_letters, *reading.alike_letters)
    return found | {
        "letters": sorted(letters, key=lambda letter: letter.offset),
        "sources": list(reading.sources),
        "executions": [whole(execution) for execution in reading.executions],
    }


@given(RECORDS, st.integers(0, 6), st.none() | st.integers(0, 12), st.booleans(), st.sampled_from([100_000, None, 0]))
def test_records_read_together_are_those_read_one_by_one(
    given_records: list[tuple[bytes | None, Headers]],
    scored_to: int,
    learned_to: int | None,
    normalize: bool,
    timestamp_ms: int,
) -> None:
    records = [
        _record(3 + offset, value, headers, timestamp_ms if offset == 1 else 100_000)
        for offset, (value, headers) in enumerate(given_records)
    ]
    partitions = [_partition(scored_to, learned_to) for _ in range(2)]
    together, one_by_one = Reading(), Reading()
    _reader(normalize).read_all(partitions[0], records, together)
    reader = _reader(normalize)
    for record in records:
        reader.read(partitions[1], record, one_by_one)
    assert _read_by(together) == _read_by(one_by_one)
    assert_same(together.executions, columned(list(one_by_one.executions)))
    assert partitions[0] == partitions[1]
    for partition, reading in zip(partitions, (together, one_by_one), strict=True):
        partition.note_learned(reading.origins)
    assert partitions[0] == partitions[1]


@pytest.mark.parametrize("headers", [[], [("traceparent", b"00-1")]])
def test_usual_records_are_not_looked_at_one_by_one(headers: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunReader, "read", None)
    records = [_record(offset, _execution(HERE[offset]), headers) for offset in range(2)]
    reading = Reading()
    _reader(normalize=True).read_all(_partition(0, None), records, reading)
    assert [execution.application for execution in reading.executions] == HERE[:2]
    assert list(reading.sources) == records
    assert msgspec.to_builtins(reading.executions[0])["operation"] == "get /cart"


@given(st.lists(st.tuples(st.booleans(), RECORDS), min_size=2, max_size=4), st.integers(0, 6), st.booleans())
def test_runs_read_in_one_call_are_those_read_one_after_the_other(
    given_runs: list[tuple[bool, list[tuple[bytes | None, Headers]]]], scored_to: int, normalize: bool
) -> None:
    """Those of one partition, too: an origin that the first has is known to the second."""
    runs: list[tuple[bool, list[ConsumerRecord]]] = []
    following = [3, 3]
    for other, given_records in given_runs:
        records = [_record(following[other] + at, *one) for at, one in enumerate(given_records)]
        runs.append((other, records))
        following[other] += len(records)
    partitions, expected_of = ([_partition(scored_to, None) for _ in range(2)] for _ in range(2))
    readings, executions = _reader(normalize).read_runs([(partitions[other], records) for other, records in runs])
    reader = _reader(normalize)
    for (other, records), reading in zip(runs, readings, strict=True):
        expected = Reading()
        reader.read_all(expected_of[other], records, expected)
        assert _read_by(reading) == _read_by(expected)
        assert_same(reading.executions, columned(list(expected.executions)))
    assert partitions == expected_of
    if executions is not None:
        assert_same(executions, columned([one for reading in readings for one in reading.executions]))


def test_usual_runs_are_read_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunReader, "read_all", None)
    partition = _partition(0, None)
    origins = [origin_headers([], TOPIC, 0, offset) for offset in (5, 9)]
    runs = [[_record(offset, _execution(HERE[offset]), headers)] for offset, headers in enumerate(origins)]
    readings, executions = _reader(normalize=True).read_runs([(partition, records) for records in runs])
    assert executions is not None
    assert [one.application for one in executions] == HERE[:2]
    assert [list(reading.sources) for reading in readings] == runs


def test_one_unusual_record_of_many_does_not_keep_the_others_from_being_read_together() -> None:
    class Counting(RunReader):
        read_by_itself = 0

        def _read_one(self, *given: Any) -> list[ExecutionHead]:
            self.read_by_itself += 1
            return super()._read_one(*given)

    reader = Counting(TOPIC, PARTITIONS, LIMITS)
    values = [_execution(HERE[0])] * 1_999
    records = [_record(offset, value, []) for offset, value in enumerate([b"", *values])]
    reading = Reading()
    reader.read_all(_partition(0, None), records, reading)
    assert (len(reading.executions), len(reading.dead_letters)) == (1_999, 1)
    assert reader.read_by_itself <= 250
    assert [record.offset for record in reading.sources] == list(range(1, 2_000))


def test_a_record_that_our_own_code_fails_on_is_a_dead_letter_and_the_others_are_read() -> None:
    def normalize(name: str) -> str:
        if name == "GET /broken":
            raise IndexError("no such place")
        return name

    reader = RunReader(TOPIC, PARTITIONS, LIMITS, normalize, ["spans.v1"])
    broken = _execution(HERE[0]).replace(b"/Cart", b"/broken")
    records = [
        _record(offset, value, []) for offset, value in enumerate([_execution(HERE[0]), broken, _execution(HERE[1])])
    ]
    reading = Reading()
    reader.read_all(_partition(0, None), records, reading)
    assert [execution.application for execution in reading.executions] == HERE[:2]
    assert [(letter.value, letter.offset, letter.error) for letter in reading.dead_letters] == [(broken, 1, FAILURE)]
    assert "IndexError: no such place" in reading.dead_letters[0].reason
    assert sum(map(len, reading.parts)) == 2


def test_a_flood_of_another_format_is_told_once_a_second_with_a_count() -> None:
    seconds = iter([5.0, 5.5, 5.9, 6.0])
    reader = RunReader(TOPIC, PARTITIONS, LIMITS, elapsed=lambda: next(seconds))
    reading = Reading()

    for offset in range(4):
        reader.read(
            Partition(NUMBER), ConsumerRecord(TOPIC, NUMBER, offset, 0, 0, None, SPANS, None, 0, 0, ()), reading
        )

    assert [letter.offset for letter in reading.dead_letters] == [0, 3]
    assert reading.dead_letters[1].reason.endswith(" 2 more records of this partition were not told one by one.")
    assert reading.skipped == 2


def test_a_full_partition_takes_executions_of_the_applications_it_knows_and_buries_the_others() -> None:
    partition = _partition(0, None)
    partition.applications[HERE[0], ""] = Seen()
    partition.full = 1
    both = (
        b"[" + _execution(HERE[0]) + b"," + _execution(HERE[0]).replace(b'{"', b'{"environment":"made-up","', 1) + b"]"
    )
    records = [_record(at, value, []) for at, value in enumerate([_execution(HERE[0]), _execution(HERE[1]), both])]
    reading = Reading()
    _reader(normalize=False).read_all(partition, records, reading)
    assert [(one.application, one.environment) for one in reading.executions] == [(HERE[0], "")] * 2
    letters = [(letter.offset, letter.error) for letter in reading.dead_letters]
    assert letters == [(1, "TooManyApplications"), (2, "TooManyApplications")]
    assert reading.dead_letters[0].value == records[1].value
    [element] = msgspec.json.decode(reading.dead_letters[1].value or b"")
    assert (element["application"], element["environment"]) == (HERE[0], "made-up")
    assert reading.dead_letters[0].reason == (
        "Partition 1 must have at most as many applications as the setting 'applications_per_partition' says. "
        f"Got '{HERE[1]}' beside 1 that are all in use instead."
    )


def test_of_a_flood_of_next_to_nothing_the_letters_are_those_of_each_record() -> None:
    good = _execution(HERE[0])
    values = [None, b"{}", good, b"{}", b"x" * 100, b"", b"[]"] * 60
    marked = {40: (CONTROL_HEADER, b"1"), 47: (UNREAD_HEADER, b"It is too large."), 54: (SCHEMA_HEADER, b"")}
    records = [
        _record(at, value, [marked.get(at, ("mine", b"1")), *origin_headers([], "other", 0, 9)])
        for at, value in enumerate(values)
    ]
    reading = Reading()
    _reader(normalize=False).read_all(_partition(30, None), records, reading)
    assert reading.duplicates == 30
    assert len(reading.executions) == values[30:].count(good)
    letters = sorted(chain(reading.dead_letters, *reading.alike_letters), key=lambda letter: letter.offset)
    assert [(one.offset, one.value) for one in letters] == [
        (at, value) for at, value in enumerate(values) if at >= 30 and value not in (good, b"[]")
    ]
    assert all(one.headers == [*dict([marked.get(one.offset, ("mine", b"1"))]).items()] for one in letters)
    assert {one.error for one in letters if one.offset in marked} == {"MisplacedControl", "PackedBatch", "InvalidJson"}
    alike: defaultdict[str, set[int]] = defaultdict(set)
    for few in reading.alike_letters:
        alike[few.error].update(one.offset for one in few)
    short, null = (offsets for _, offsets in sorted(alike.items()))
    assert null == {at for at, value in enumerate(values) if at >= 30 and value is None}
    assert len(short) > 50
    assert not short & marked.keys()


def test_letters_of_a_few_records_keep_their_order() -> None:
    values = [None, b"{", b"{}", *[b"x"] * 20, None, b"x", b"{", None]
    reading = Reading()
    _reader(normalize=False).read_all(_partition(0, None), [_record(*one, []) for one in enumerate(values)], reading)
    assert not reading.alike_letters
    assert [(one.offset, one.value) for one in reading.dead_letters] == [*enumerate(values)]
