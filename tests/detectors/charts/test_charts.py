"""The charts of an application: which key each value goes to, and which call of an execution says most."""

from typing import Any

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.detectors.charts.charts import CallJudgement, Charts
from tracehound.detectors.charts.signals import CALLS, CHARTS
from tracehound.detectors.features.batch import Batch, Calls
from tracehound.detectors.features.paths import paths_of
from tracehound.detectors.settings import DetectionSettings

GAPS, WAITS = 0, 1


def charts() -> Charts:
    made = Charts(DetectionSettings())
    for slot in (0, 1):
        made.open_application(slot, seed=slot)
        made.open_operation(slot, seed=slot)
        for kind in (GAPS, WAITS):
            made.open_call(kind, slot, seed=slot)
    return made


def calls_of(rows: list[int], slots: list[int], values: Any) -> Calls:
    return Calls(np.array(rows, np.int64), np.array(slots, np.int64), np.array(values, np.float64))


NO_CALLS = calls_of([], [], [])


def batch(signals: Floats, gaps: Calls = NO_CALLS, waits: Calls = NO_CALLS, start: float = 0.0) -> Batch:
    n = len(signals)
    zeros = np.zeros(n, np.int64)
    return Batch(
        operations=zeros,
        applications=zeros,
        times=start + np.arange(n, dtype=np.float64),
        counted=start + np.arange(n, dtype=np.float64),
        anew=np.zeros(n, np.bool_),
        durations=signals[:, 0],
        signals=signals,
        errors=np.zeros(n),
        error_types=zeros,
        calls=(gaps, waits),
        paths=paths_of([]),
        accept_after=np.full(n, np.inf),
        released=np.full(n, -np.inf),
        opening_until=np.full(n, -np.inf),
        adjusted=np.ones(n),
        early=np.zeros(n, np.bool_),
        doubtful=np.zeros(n, np.bool_),
    )


def signals(n: int, seed: int = 1) -> Floats:
    random = np.random.default_rng(seed)
    own, memory = random.lognormal(3.0, 0.2, n), random.lognormal(5.0, 0.02, n)
    return np.column_stack([own, own + 10.0, memory])


def two_peers(n: int, seed: int = 2) -> Calls:
    """Each execution calls both peers, the second one twice as slow."""
    random = np.random.default_rng(seed)
    rows = np.repeat(np.arange(n), 2)
    return calls_of(rows.tolist(), [0, 1] * n, random.lognormal(2.0, 0.2, 2 * n) * np.tile([1.0, 2.0], n))


def judge(made: Charts, given: Batch) -> tuple[Any, tuple[CallJudgement, ...]]:
    return made.judge_signals(given), made.judge_calls(given)


def trained() -> Charts:
    made = charts()
    judge(made, batch(signals(600), two_peers(600), two_peers(600, 3)))
    return made


@pytest.mark.parametrize("column", range(len(CHARTS)), ids=[signal.name for signal in CHARTS])
def test_each_signal_has_a_chart_of_its_own(column: int) -> None:
    made, slow = trained(), signals(10, 5)
    slow[:, column] = slow[:, column] * 5.0 + 200.0
    judged, _ = judge(made, batch(slow, start=600))
    assert [bool(chart.sigma.max() > 6) for chart in judged] == [number == column for number in range(len(CHARTS))]


def test_the_margins_of_the_registry_are_in_milliseconds_of_the_setting_and_in_megabytes() -> None:
    made = Charts(DetectionSettings(minimum_excess_ms=7.0))
    margins = [chart.rules.margin for chart in (*made.signals, *made.calls)]
    expected = [signal.margin * (7.0 if signal.unit == "ms" else 1.0) for signal in (*CHARTS, *CALLS)]
    assert margins == expected


def test_the_slow_peer_of_an_execution_is_found() -> None:
    made = trained()
    gaps = two_peers(8, 7)
    gaps.values[1::2] += 300.0
    _, (found, waits) = judge(made, batch(signals(8, 6), gaps, start=600))
    assert found.worst.tolist()[3:] == [2 * row + 1 for row in range(3, 8)]
    assert found.longest.tolist() == [2 * row + 1 for row in range(8)]
    assert found.sigma[-1] > 6
    assert found.tail[-1] > 3
    assert found.rank[-1] > 0.99
    assert np.isnan(waits.sigma).all()
    assert (waits.worst == -1).all()
    assert not waits.tail.any()
    assert (waits.rank == 0.5).all()


def test_a_peer_that_is_hardly_known_says_nothing() -> None:
    made = charts()
    _, (found, _) = judge(made, batch(signals(9), calls_of(list(range(9)), [0] * 9, [1e6] * 9)))
    assert np.isnan(found.sigma).all()
    assert (found.worst == -1).all()


def test_a_peer_is_judged_whatever_operation_calls_it_and_kinds_are_apart() -> None:
    made = trained()
    _, (gaps, waits) = judge(
        made,
        batch(
            signals(8, 6), calls_of(list(range(8)), [0] * 8, [8.0] * 8), calls_of(list(range(8)), [0] * 8, [400.0] * 8)
        ),
    )
    assert gaps.sigma.max() < 4
    assert waits.sigma.max() > 6


def test_a_snapshot_resumes_and_pools_belong_to_the_application() -> None:
    made, resumed = trained(), Charts(DetectionSettings())
    resumed.open_application(0, seed=9)
    resumed.open_operation(0, seed=9)
    resumed.restore_operations(np.array([0]), [made.snapshot_operation(0)])
    resumed.restore_application(0, made.snapshot_application(0))
    for kind in (GAPS, WAITS):
        for slot in (0, 1):
            resumed.open_call(kind, slot, seed=9)
            resumed.calls[kind].restore(slot, made.calls[kind].snapshot(slot))
    later = batch(signals(300, 9), two_peers(300, 10), two_peers(300, 11), start=600)
    (went_on, went_calls), (came_back, came_calls) = judge(made, later), judge(resumed, later)
    for one, other in zip(went_on, came_back, strict=True):
        assert np.array_equal(one.sigma, other.sigma)
        assert np.array_equal(one.tail, other.tail)
    for call, same in zip(went_calls, came_calls, strict=True):
        assert np.array_equal(call.sigma, same.sigma)
        assert np.array_equal(call.worst, same.worst)


def test_memory_counts_operations_applications_and_calls() -> None:
    made = Charts(DetectionSettings())
    assert made.nbytes(0, 0, 0) == 0
    assert made.nbytes(2, 3, 5) == made.nbytes(2, 0, 0) + made.nbytes(0, 3, 0) + made.nbytes(0, 0, 5)
    empty = made.nbytes(1, 0, 0) + made.nbytes(0, 1, 0) + made.nbytes(0, 0, 2)
    assert empty < 2_048
    learned = trained().nbytes(1, 1, 2) - charts().nbytes(1, 1, 2)
    keys, pools = 3 + 2 * 2, 3 + 2
    assert keys * 500 * 4 <= learned <= (keys + pools) * 512 * 4, "what they hold is counted"
