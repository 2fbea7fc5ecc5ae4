"""Which executions deviate, each by itself, and in what: what those that are told have in common is read from them."""

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.charts.chart import ChartJudgement
from tracehound.detectors.charts.signals import CHARTS
from tracehound.detectors.ensemble.ensemble import Judgements
from tracehound.detectors.features.attributes import pairs_of
from tracehound.detectors.features.batch import Batch
from tracehound.detectors.features.contrast import KINDS
from tracehound.detectors.scoring.rows import Rows

RARE = 2.0
"""−log10 of the probability of a value, set or count from which an execution deviates: of usual ones a hundredth."""


def kinds_of(batch: Batch, judged: Judgements) -> NDArray[np.int64]:
    """(n,) bits of ``KINDS``: in what each execution deviates itself, whatever those around it do."""
    bits = np.zeros(len(batch.times), np.int64)
    bits[np.flatnonzero(batch.errors)] = KINDS["errors"]
    for signal, chart in zip(CHARTS, judged.charts, strict=True):
        bits[_rare(chart)] |= KINDS["memory" if signal.kind == "saturation" else "latency"]
    for call in judged.calls:
        bits[call.calls.rows[_rare(call.chart)]] |= KINDS["latency"]
    structure = judged.structure
    odd = np.flatnonzero(structure.score >= RARE)
    bits[odd] |= np.where(structure.excess[odd] >= RARE, KINDS["latency"], 0)
    bits[odd] |= np.where(
        np.maximum(structure.novelty[odd], structure.count_excess[odd]) >= RARE, KINDS["structure"], 0
    )
    return bits


def _rare(chart: ChartJudgement) -> NDArray[np.int64]:
    """Places of the values that are far in the tail, while others are large too."""
    found = np.flatnonzero(chart.tail >= RARE)
    return found[chart.evident[found]]


class Deviating:
    """The deviating executions of judged rows, noted by their operations one after the other."""

    def __init__(self, rows: Rows, batch: Batch, judged: Judgements, private: frozenset[str]) -> None:
        self._rows, self._times, self._private = rows, batch.times, private
        self._bits = kinds_of(batch, judged)
        self._waiting = np.flatnonzero(self._bits).tolist()
        self._next = 0

    def note(self, last: int) -> None:
        """Note those up to and with row ``last`` that are not noted yet."""
        while self._next < len(self._waiting) and self._waiting[self._next] <= last:
            row = self._waiting[self._next]
            pairs = pairs_of(self._rows.executions[row], self._private)
            self._rows.operations[row].contrast.deviates(float(self._times[row]), int(self._bits[row]), pairs)
            self._next += 1
