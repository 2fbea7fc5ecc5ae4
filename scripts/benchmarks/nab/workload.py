"""Reads the series, the labelled windows and the published reference scores of the Numenta Anomaly Benchmark."""

import csv
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tracehound.detectors.bank import Floats

Reference = Literal["windowedGaussian", "numentaTM"]


class CorpusError(Exception):
    """The folder does not hold the benchmark's files, or they do not fit together."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSeries:
    """One file: ``times`` (n,) epoch seconds, ``values`` (n,), and its windows as (first row, last row), in order."""

    name: str
    times: Floats
    values: Floats
    windows: tuple[tuple[int, int], ...]

    @property
    def step_s(self) -> float:
        """The most frequent distance of two rows, in seconds."""
        steps, counts = np.unique(np.diff(self.times), return_counts=True)
        return float(steps[counts.argmax()])


def _seconds(stamps: Sequence[str]) -> Floats:
    return np.array(stamps, "datetime64[us]").astype(np.int64) / 1e6


def _read_series(path: Path, name: str, limits: list[list[str]]) -> LabelledSeries:
    with path.open(newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    times = _seconds([row[0] for row in rows])
    values = np.array([float(row[1]) for row in rows])
    windows = []
    for limit in limits:
        found = [np.flatnonzero(times == moment) for moment in _seconds(limit)]
        if not all(len(rows_at) for rows_at in found):
            raise CorpusError(f"The window {limit} of {name} must begin and end at rows of the file.")
        windows.append((int(found[0][0]), int(found[1][0])))
    return LabelledSeries(name, times, values, tuple(windows))


def read_corpus(folder: Path) -> list[LabelledSeries]:
    """All series under ``folder``/data, sorted by relative path.

    Raises:
        CorpusError: files are missing or do not fit together.
    """
    labels = folder / "labels" / "combined_windows.json"
    paths = sorted((folder / "data").glob("*/*.csv"), key=lambda path: path.relative_to(folder / "data").as_posix())
    if not labels.is_file() or not paths:
        raise CorpusError(f"{folder} must hold the benchmark's data/*/*.csv and labels/combined_windows.json.")
    limits = json.loads(labels.read_text())
    names = [path.relative_to(folder / "data").as_posix() for path in paths]
    return [_read_series(path, name, limits[name]) for path, name in zip(paths, names, strict=True)]


def read_reference_scores(folder: Path, detector: Reference) -> dict[str, Floats]:
    """Published anomaly scores of a detector by series' name.

    Raises:
        CorpusError: the file is missing.
    """
    path = folder / "reference_scores.json.gz"
    if not path.is_file():
        raise CorpusError(f"{path} must hold the published scores of two detectors.")
    with gzip.open(path, "rt") as lines:
        return {name: np.array(scores) for name, scores in json.load(lines)[detector].items()}
