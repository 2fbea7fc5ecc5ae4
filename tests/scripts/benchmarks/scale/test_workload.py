"""Every operation comes equally often, whatever their number."""

from collections import Counter
from itertools import islice

import pytest

from tracehound.scripts.benchmarks.scale.workload import Size, traffic


@pytest.mark.parametrize(("operations", "applications"), [(1, 1), (7, 1), (100, 1), (101, 2), (250, 3)])
def test_all_operations_come_before_any_comes_again(operations: int, applications: int) -> None:
    made = list(islice(traffic(Size(operations, 3)), 2 * operations))

    counts = Counter((one.application, one.operation) for one in made)
    assert set(counts.values()) == {2}
    assert len(counts) == operations
    assert len({application for application, _ in counts}) == applications == Size(operations, 3).applications
    assert {len(one.segments) for one in made} == {3}


def test_time_goes_on_and_no_two_executions_are_the_same() -> None:
    made = list(islice(traffic(Size(5, 1)), 2_000))

    moments = [one.started_s for one in made]
    assert moments == sorted(set(moments))
    assert len({one.trace_id for one in made}) == 2_000
    assert len({one.duration_ms for one in made}) > 900
