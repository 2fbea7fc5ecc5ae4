from collections.abc import Callable
from pathlib import Path

import pytest

from tracehound.scripts.benchmarks.quality.workload import MissingDataError, fault_free_days, open_data_sets
from tracehound.scripts.recorded.traces import FaultWindow

Write = Callable[[Path], Path]


def test_missing_recordings_are_named_with_where_they_come_from(tmp_path: Path, write_paths: Write) -> None:
    write_paths(tmp_path / "traces" / "train_ticket_paths")

    with pytest.raises(MissingDataError) as told:
        open_data_sets(tmp_path, ["train_ticket_30", "train_ticket_paths"])

    assert f"{tmp_path}/traces/train_ticket_30/windows.json" in str(told.value)
    assert "train_ticket_paths/" not in str(told.value)
    assert "--data" in str(told.value)
    assert "github" in str(told.value).lower()


def test_labels_warm_up_and_windows_come_with_a_recording(
    tmp_path: Path, write_paths: Write, write_windows: Write
) -> None:
    write_paths(tmp_path / "traces" / "train_ticket_paths")
    write_windows(tmp_path / "traces" / "train_ticket_30")

    windows, paths = open_data_sets(tmp_path, ["train_ticket_30", "train_ticket_paths"])

    assert (windows.name, windows.warm_up, len(windows.windows)) == ("train_ticket_30", 3_400, 1)
    assert (paths.warm_up, len(paths.windows), paths.labels.sum()) == (300, 0, 40)
    assert windows.labels[300:360].all()


def test_fault_free_time_has_no_gaps_windows_or_margins() -> None:
    window = FaultWindow(6_000.0, "cart", "cpu")
    normal = [0.0, 30.0, 60.0, 600.0, 5_939.0, 6_420.0]
    faulty = [5_940.0, 6_000.0, 6_419.0]

    assert 1_440 * fault_free_days(normal + faulty, [window]) == pytest.approx(5)
