"""Planted executions find their anomalies, and percentiles are values that were measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.scripts.benchmarks.latency.pairs import pair, percentile, trace_ids


def test_the_first_anomaly_of_each_counts_and_the_missing_ones_are_named() -> None:
    found = pair({"a": 100, "b": 200, "c": 300}, [("b", 290), ("a", 104), ("b", 212), ("stranger", 7)])

    assert found.latencies_ms == [4, 12]
    assert found.unanswered == ["c"]


def test_an_anomaly_of_a_window_names_no_execution() -> None:
    assert trace_ids(b'{"id": "1", "data": {"exemplar_trace_ids": [], "window": {"count": 3}}}') == []


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=300), st.floats(0.001, 1.0))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[int], share: float) -> None:
    found = percentile(values, share)

    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="needs values and a share"):
        percentile([], 0.5)
    with pytest.raises(ValueError, match="needs values and a share"):
        percentile([1.0], 0.0)
