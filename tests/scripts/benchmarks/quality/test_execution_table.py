import math

import numpy as np

from tracehound.schemas.execution import Execution, Segment
from tracehound.scripts.benchmarks.quality.execution_table import FEATURES, Collector, ExecutionTable
from tracehound.scripts.recorded.traces import RecordedTrace


def table(with_segments: bool = False) -> ExecutionTable:
    collector = Collector(with_segments)
    call = Segment("GET /items", 40.0, "http", 10.0, remote_ms=30.0)
    query = Segment("SELECT items", 5.0, "db", 60.0)
    collector.add(
        RecordedTrace(
            "a",
            7.0,
            [Execution("gateway", "GET /", 7.0, 100.0, segments=[call, query]), Execution("cart", "GET /", 7.1, 30.0)],
        )
    )
    collector.add(RecordedTrace("b", 9.0, [Execution("gateway", "GET /", 9.0, 50.0, segments=[query, query])]))
    return collector.table(warm_up=1)


def test_applications_operations_and_structures_are_numbered() -> None:
    found = table()

    assert found.trace.tolist() == [0, 0, 1]
    assert found.application.tolist() == [0, 1, 0]
    assert found.operation.tolist() == [0, 1, 0]
    assert found.structure.tolist() == [0, 1, 2]
    assert found.root.tolist() == [True, False, True]
    assert found.learned.tolist() == [True, True, False]
    assert found.started_s.tolist() == [7.0, 7.1, 9.0]


def test_features_are_logarithms_and_counts() -> None:
    found = dict(zip(FEATURES, table().features[0].tolist(), strict=True))

    assert found["log duration"] == math.log1p(100.0)
    assert found["log self time"] == math.log1p(55.0)
    assert (found["log longest segment"], found["log longest call"]) == (math.log1p(40.0), math.log1p(40.0))
    assert found["log remote time"] == math.log1p(30.0)
    assert (found["segments"], found["remote calls"], found["distinct segments"]) == (2.0, 1.0, 2.0)
    assert table().features[2, FEATURES.index("distinct segments")] == 1.0


def test_the_call_gap_is_missing_without_a_joined_call() -> None:
    np.testing.assert_array_equal(table().call_gap_ms, [10.0, np.nan, np.nan])


def test_a_trace_scores_as_its_worst_execution() -> None:
    assert table().per_trace(np.array([1.0, 5.0, -2.0])).tolist() == [5.0, -2.0]


def test_segments_are_kept_where_they_are_asked_for() -> None:
    segments = table(with_segments=True).segments

    assert segments.row.tolist() == [0, 0, 2, 2]
    assert segments.path.tolist() == [0, 1, 1, 1]
    assert segments.duration_ms.tolist() == [40.0, 5.0, 5.0, 5.0]
    assert len(table().segments.row) == 0
