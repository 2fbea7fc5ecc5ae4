"""Reading the benchmark's files, and refusing what does not fit together."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from tracehound.scripts.benchmarks.nab.workload import CorpusError, read_corpus, read_reference_scores

SERIES = "kind/some.csv"


def folder(path: Path, window: tuple[str, str] = ("2014-01-01 00:05:00.000000", "2014-01-01 00:10:00.000000")) -> Path:
    (path / "data" / "kind").mkdir(parents=True)
    (path / "labels").mkdir()
    rows = [f"2014-01-01 00:{minute:02}:00,{minute}.5" for minute in (0, 5, 10, 20, 25)]
    (path / "data" / SERIES).write_text("\n".join(["timestamp,value", *rows]) + "\n")
    (path / "labels" / "combined_windows.json").write_text(json.dumps({SERIES: [window]}))
    return path


def test_a_series_has_times_values_windows_and_a_step(tmp_path: Path) -> None:
    (series,) = read_corpus(folder(tmp_path))
    assert series.name == SERIES
    assert np.diff(series.times).tolist() == [300.0, 300.0, 600.0, 300.0]
    assert series.times[0] == 1_388_534_400.0
    assert series.values.tolist() == [0.5, 5.5, 10.5, 20.5, 25.5]
    assert series.windows == ((1, 2),)
    assert series.step_s == 300.0


def test_windows_must_be_rows(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="must begin and end at rows"):
        read_corpus(folder(tmp_path, ("2014-01-01 00:05:00", "2014-01-01 00:11:00")))


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="combined_windows"):
        read_corpus(tmp_path)
    with pytest.raises(CorpusError, match="reference_scores"):
        read_reference_scores(tmp_path, "numentaTM")


def test_reference_scores_are_of_one_detector(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "reference_scores.json.gz", "wt") as lines:
        json.dump({"numentaTM": {SERIES: [0.0, 0.5]}, "windowedGaussian": {SERIES: [1.0, 1.0]}}, lines)
    assert read_reference_scores(tmp_path, "numentaTM")[SERIES].tolist() == [0.0, 0.5]
