"""Records with an origin that are read together leave behind what they do one by one, whatever their origins."""

from collections import defaultdict
from collections.abc import Sequence

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from tests.streams.scoring.test_read_run import HERE, LIMITS, NUMBER, PARTITIONS, TOPIC
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution
from tracehound.streams.kafka.forwarding import origin_headers
from tracehound.streams.scoring.read_run import Reading, RunReader
from tracehound.streams.states.partitions import Partition, Seen

SOURCES = [("spans.v1", 0, ""), ("spans.v1", 0, "anew"), ("spans.v1", 2, ""), (TOPIC, 1, "begun"), ("elsewhere", 1, "")]
Step = tuple[list[tuple[int, str]], tuple[str, int, str], int]
"""Whose executions a record holds, its source, and by how much the number of that grows."""
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["", "test"])), min_size=1, max_size=3),
        st.sampled_from(SOURCES),
        st.sampled_from([1, 1, 1, 2, 0, -1]),
    ),
    min_size=1,
    max_size=12,
)


def _records(steps: Sequence[Step], first: int) -> list[ConsumerRecord]:
    numbers: defaultdict[tuple[str, int, str], int] = defaultdict(int)
    made = []
    for offset, (whose, source, step) in enumerate(steps):
        numbers[source] = max(0, numbers[source] + step)
        topic, partition, topic_id = source
        name = HERE[whose[0][0]]  # those of one array are of one application
        executions = [encode(Execution(name, "GET /", 90.0, 5.0, environment=where)) for _, where in whose]
        headers = origin_headers([], topic, partition, numbers[source], topic_id)
        value = b"[" + b",".join(executions) + b"]"
        made.append(
            ConsumerRecord(TOPIC, NUMBER, first + offset, 100_000, 0, None, value, None, -1, -1, tuple(headers))
        )
    return made


def _partition(known: int) -> Partition:
    """One in which the first application has learned so much of two sources."""
    partition = Partition(NUMBER)
    origins = {("spans.v1", 0): known, (f"{TOPIC}@begun", 1): known}
    partition.applications[HERE[0], ""] = Seen(origins=origins)
    return partition


@given(STEPS, st.integers(-1, 2), st.integers(1, 12))
def test_what_is_read_together_is_learned_as_one_by_one(steps: list[Step], known: int, size: int) -> None:
    records = _records(steps, 3)
    together, one_by_one = Reading(), Reading()
    partitions = _partition(known), _partition(known)
    reader = RunReader(TOPIC, PARTITIONS, LIMITS, None, ["spans.v1"])
    for start in range(0, len(records), size):
        reader.read_all(partitions[0], records[start : start + size], together)
    for record in records:
        reader.read(partitions[1], record, one_by_one)
    assert list(together.sources) == list(one_by_one.sources)
    assert together.duplicates == one_by_one.duplicates
    assert partitions[0] == partitions[1]
    for partition, reading in zip(partitions, (together, one_by_one), strict=True):
        partition.note_learned(reading.origins)
    assert partitions[0] == partitions[1]


def test_records_of_intake_are_not_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunReader, "_read_one", None)
    records = _records([([(number % 2, "")], SOURCES[number % 2 * 2], 1) for number in range(6)], 0)
    reading = Reading()
    RunReader(TOPIC, PARTITIONS, LIMITS, None, ["spans.v1"]).read_all(Partition(NUMBER), records, reading)
    assert list(reading.sources) == records
    assert [(key[0], origin.offset) for key, origin in reading.origins] == [(HERE[0], 3), (HERE[1], 3)]
