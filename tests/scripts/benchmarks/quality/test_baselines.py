from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tracehound.scripts.benchmarks.quality.baselines import Baseline, baselines_of
from tracehound.scripts.benchmarks.quality.execution_table import Collector, ExecutionTable, Floats
from tracehound.scripts.recorded.evaluation import average_precision
from tracehound.scripts.recorded.traces import open_recording

Write = Callable[[Path], Path]
WINDOWS, PATHS = "train_ticket_30", "train_ticket_paths"


def collected(folder: Path, warm_up: int) -> tuple[ExecutionTable, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    recording, collector = open_recording(folder), Collector(with_segments=True)
    for trace in recording.traces():
        collector.add(trace)
    return collector.table(warm_up), np.array([label.label == 1 for label in recording.labels])


@pytest.mark.parametrize("baseline", baselines_of(WINDOWS), ids=lambda baseline: baseline.name)
def test_an_injected_delay_ranks_above_normal_traffic(baseline: Baseline, tmp_path: Path, write_windows: Write) -> None:
    table, faulty = collected(write_windows(tmp_path / "made"), warm_up=200)
    found = baseline.detect(WINDOWS, table)

    assert found.score.shape == found.alarm.shape == (500,)
    assert np.isfinite(found.score).all()
    # River's trees learn without a gate and forget the window's beginning: they only have to beat chance.
    least = 0.3 if "River" in baseline.name else 0.7
    assert average_precision(faulty[250:], found.score[250:]) > least


@pytest.mark.parametrize("baseline", baselines_of(PATHS), ids=lambda baseline: baseline.name)
def test_an_abnormal_path_ranks_above_the_usual_one(baseline: Baseline, tmp_path: Path, write_paths: Write) -> None:
    table, faulty = collected(write_paths(tmp_path / "made"), warm_up=300)
    found = baseline.detect(PATHS, table)

    assert average_precision(faulty[300:], found.score[300:]) > (0.3 if "River" in baseline.name else 0.7)


def test_the_same_table_gives_the_same_scores(tmp_path: Path, write_windows: Write) -> None:
    table, _ = collected(write_windows(tmp_path / "made"), warm_up=200)

    for baseline in baselines_of(WINDOWS):
        np.testing.assert_array_equal(baseline.score(table), baseline.score(table))


def test_the_threshold_is_the_nominal_quantile_of_the_warm_up_or_a_fixed_limit(
    tmp_path: Path, write_windows: Write
) -> None:
    table, _ = collected(write_windows(tmp_path / "made"), warm_up=200)

    def place(table: ExecutionTable) -> Floats:
        return np.arange(float(table.traces))

    by_quantile = Baseline("place", "", place).detect(PATHS, table).alarm
    fixed = Baseline("place", "", place, limit=300.0).detect(PATHS, table).alarm

    assert by_quantile[:200].sum() == 2  # 1 % of 200
    assert by_quantile[200:].all()
    assert np.flatnonzero(fixed)[0] == 301
