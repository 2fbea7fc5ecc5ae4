"""What a training run would take, from runs that were measured: a small regression with its stated error."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

SUBSAMPLE: Final = 256
"""Samples that each tree of a forest is grown from: that of ``detectors.forests.forest_fit``, without its compiler."""
MOST_RUNS: Final = 200
"""So many of the newest runs are learned from."""
_LEAST_RUNS: Final = 5
_REFERENCE: Final = (1.5e-3, 6.8e-6, 3.5e-7)
"""CPU seconds of a run, of each sample up to ``SUBSAMPLE``, and of each sample, measured on this project's machine."""
_REFERENCE_BYTES: Final = 120_000
_ROUNDS: Final = 4
_ROBUST: Final = 0.1
"""Relative error from which on a run counts less: others of the machine can only make one dearer."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One run that was measured: seconds, samples, and bytes of the model that it made."""

    cpu_s: float
    wall_s: float
    samples: int
    model_bytes: int


@dataclass(frozen=True, slots=True)
class CostModel:
    """CPU seconds as a sum of what every run takes, what each sample takes as long as trees grow with them, and what
    each takes that is only looked at; ``waits`` is how many times as long a run takes by the clock.
    """

    coefficients: tuple[float, float, float]
    waits: float
    model_bytes: int
    runs: int

    def cpu_s(self, samples: int) -> float:
        """CPU seconds of a run on so many samples."""
        return float(np.dot(self.coefficients, _terms([samples])[0]))


def cost_model(runs: Sequence[TrainingRun]) -> CostModel:
    """The model of the newest of these runs, given in their order, by least squares of relative errors.

    None of its terms is below 0, and runs far off count less. With fewer than five runs it is the reference, scaled to
    them.

    >>> runs = [TrainingRun(0.002 + 1e-6 * n, 0.004 + 2e-6 * n, n, 100) for n in (300, 500, 900, 1_500, 2_000)]
    >>> model = cost_model(runs)
    >>> round(model.cpu_s(1_000), 5), round(model.waits, 2), model.runs
    (0.003, 2.0, 5)
    """
    known = [run for run in runs if run.cpu_s > 0.0 and run.samples > 0][-MOST_RUNS:]
    if not known:
        return CostModel(_REFERENCE, 1.0, _REFERENCE_BYTES, 0)
    took = np.array([run.cpu_s for run in known])
    terms = _terms([run.samples for run in known])
    if len(known) < _LEAST_RUNS:
        scale = float(np.median(took / (terms @ np.array(_REFERENCE))))
        first, growing, looking = (scale * one for one in _REFERENCE)
        found = (first, growing, looking)
    else:
        found = _fitted(terms, took)
    waits = median(run.wall_s / run.cpu_s for run in known)
    return CostModel(found, waits, round(median(run.model_bytes for run in known)), len(known))


def estimated_before(runs: Sequence[TrainingRun], anew_every: int = 10) -> list[float]:
    """What was estimated of each run from those before it: CPU seconds, with a model made anew every so many runs."""
    estimates: list[float] = []
    for first in range(0, len(runs), anew_every):
        model = cost_model(runs[max(0, first - MOST_RUNS) : first])
        estimates += [model.cpu_s(run.samples) for run in runs[first : first + anew_every]]
    return estimates


def error_share(estimated: float, real: float) -> float | None:
    """How far off an estimate was, as a share of the real cost; None where there was none."""
    return abs(estimated - real) / real if real > 0.0 else None


def _terms(samples: Sequence[int]) -> NDArray[np.float64]:
    counts = np.array(samples, np.float64)
    return np.column_stack([np.ones(len(counts)), np.minimum(counts, SUBSAMPLE), counts])


def _fitted(terms: NDArray[np.float64], took: NDArray[np.float64]) -> tuple[float, float, float]:
    from scipy.optimize import nnls  # here, since it takes a while to import

    relative = terms / took[:, None]
    scale = np.maximum(relative.max(axis=0), 1e-300)
    weights = np.ones(len(took))
    found = np.zeros(3)
    for _ in range(_ROUNDS):
        found = nnls(relative / scale * weights[:, None], weights)[0] / scale
        errors = np.abs(relative @ found - 1.0)
        weights = np.sqrt(np.minimum(1.0, _ROBUST / np.maximum(errors, 1e-12)))
    return float(found[0]), float(found[1]), float(found[2])
