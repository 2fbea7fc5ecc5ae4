"""Which executions deviate, each by itself, and in what: what those that are told have in common is read from them."""

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags
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
    bits[batch.errors != 0.0] = KINDS["errors"]
    for signal, chart in zip(CHARTS, judged.charts, strict=True):
        bits[_rare(chart)] |= KINDS["memory" if signal.kind == "saturation" else "latency"]
    for call in judged.calls:
        bits[call.calls.rows[_rare(call.chart)]] |= KINDS["latency"]
    structure = judged.structure
    odd = structure.score >= RARE
    if odd.any():  # as in few batches
        bits[odd & (structure.excess >= RARE)] |= KINDS["latency"]
        bits[odd & (np.maximum(structure.novelty, structure.count_excess) >= RARE)] |= KINDS["structure"]
    return bits


def _rare(chart: ChartJudgement) -> Flags:
    """Where values are far in the tail, while others are large too."""
    return (chart.tail >= RARE) & chart.evident


class Deviating:
    """The deviating executions of judged rows, noted by their operations one after the other."""

    def __init__(self, rows: Rows, batch: Batch, judged: Judgements, private: frozenset[str]) -> None:
        self._rows, self._times, self._private = rows, batch.times, private
        self._bits = kinds_of(batch, judged)
        self._waiting = self._bits.nonzero()[0].tolist()
        self._next = 0

    def note(self, last: int) -> None:
        """Note those up to and with row ``last`` that are not noted yet."""
        while self._next < len(self._waiting) and self._waiting[self._next] <= last:
            row = self._waiting[self._next]
            pairs = pairs_of(self._rows.head(row), self._private)
            self._rows.operations[row].contrast.deviates(float(self._times[row]), int(self._bits[row]), pairs)
            self._next += 1
