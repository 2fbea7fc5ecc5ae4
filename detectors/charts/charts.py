"""The charts of an application: one per operation and signal, and one per called peer."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Floats, Slots, State
from tracehound.detectors.charts.chart import Chart, ChartJudgement, ChartRules
from tracehound.detectors.charts.kernel import OWN_LEAST
from tracehound.detectors.charts.signals import CALLS, CHARTS, ChartedSignal
from tracehound.detectors.features.batch import Batch, Calls
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.fields import RecordField
from tracehound.detectors.settings import DetectionSettings

PER_EXECUTION: Final = np.dtype(
    [
        *(("worst", np.int64), ("longest", np.int64)),
        *((name, np.float64) for name in ("sigma", "tail", "rank")),
    ]
)
"""What the calls of one execution say: the fields of ``CallJudgement``."""
_NO_CALL: Final = np.array((-1, -1, np.nan, 0.0, 0.5), PER_EXECUTION)


@dataclass(frozen=True, slots=True)
class CallJudgement:
    """What the charts of m calls say, and which of its calls says most about each of n executions.

    ``rows`` (n,) are records of what follows. ``worst`` and ``longest`` (n,) are places in ``calls`` and ``chart``, -1
    without a call: by ``sigma`` and by ``tail``. ``sigma``, ``tail`` and ``rank`` (n,) are the largest of the
    execution's calls.
    """

    calls: Calls
    chart: ChartJudgement
    rows: NDArray[np.void]

    worst = RecordField[Slots]()
    longest = RecordField[Slots]()
    sigma = RecordField[Floats]()
    tail = RecordField[Floats]()
    rank = RecordField[Floats]()


class Charts:
    """All charts of all operations and called peers, with the pools that new ones of an application look at."""

    def __init__(self, settings: DetectionSettings) -> None:
        def chart(signal: ChartedSignal) -> Chart:
            rules = ChartRules(
                settings.warm_up_executions,
                settings.gate_sigma,
                settings.patience_s,
                signal.margin if signal.unit != "ms" else signal.margin * settings.minimum_excess_ms,
                signal.margin_share,
            )
            return Chart(rules, signal.name)

        self.signals = tuple(chart(signal) for signal in CHARTS)
        self.calls = tuple(chart(signal) for signal in CALLS)

    def open_operation(self, slot: int, seed: int) -> None:
        """Start afresh for the operation in ``slot``."""
        for chart in self.signals:
            chart.open(slot, seed)

    def open_call(self, kind: int, slot: int, seed: int) -> None:
        """Start afresh for the peer in ``slot``; ``kind`` is a place in ``CALLS``."""
        self.calls[kind].open(slot, seed)

    def open_application(self, slot: int, seed: int) -> None:
        """Start the application's pools afresh."""
        for chart in (*self.signals, *self.calls):
            chart.open_pool(slot, seed)

    def judge_signals(self, batch: Batch) -> tuple[ChartJudgement, ...]:
        """Judge, then learn, the signals of a batch."""
        return tuple(self._judge_signal(batch, chart, column) for column, chart in enumerate(self.signals))

    @staticmethod
    def _judge_signal(batch: Batch, chart: Chart, column: int) -> ChartJudgement:
        values = batch.signals[:, column]
        if np.isnan(values).all():  # (hardly any application tells its memory)
            return ChartJudgement.empty(len(values))
        return chart.judge_then_learn(
            *(batch.operations, batch.applications, values, batch.times),
            accept_after=batch.accept_after,
            released=batch.released,
        )

    def judge_calls(self, batch: Batch) -> tuple[CallJudgement, ...]:
        """Judge, then learn, the calls of a batch."""
        found = []
        for calls, chart in zip(batch.calls, self.calls, strict=True):
            rows = calls.rows
            judged = chart.judge_then_learn(
                *(calls.slots, batch.applications[rows], calls.values, batch.times[rows]),
                accept_after=batch.accept_after[rows],
                released=batch.released[rows],
            )
            said = np.full(len(batch.times), _NO_CALL, PER_EXECUTION)
            _per_execution(rows, judged.rows, said)
            found.append(CallJudgement(calls, judged, said))
        return tuple(found)

    def snapshot_operation(self, slot: int) -> dict[str, State]:
        """The state of an operation's charts."""
        return {signal.name: chart.snapshot(slot) for signal, chart in zip(CHARTS, self.signals, strict=True)}

    def restore_operation(self, slot: int, state: dict[str, State]) -> None:
        """Take over an operation's charts."""
        for signal, chart in zip(CHARTS, self.signals, strict=True):
            chart.restore(slot, state[signal.name])

    def snapshot_application(self, slot: int) -> dict[str, State]:
        """The state of an application's pools."""
        charts = zip((*CHARTS, *CALLS), (*self.signals, *self.calls), strict=True)
        return {signal.name: chart.snapshot_pool(slot) for signal, chart in charts}

    def restore_application(self, slot: int, state: dict[str, State]) -> None:
        """Take over an application's pools."""
        for signal, chart in zip((*CHARTS, *CALLS), (*self.signals, *self.calls), strict=True):
            chart.restore_pool(slot, state[signal.name])

    def nbytes(self, operations: int, applications: int, calls: int) -> int:
        """Bytes that so many operations, applications and called peers take."""
        pools = sum(chart.pool_nbytes() for chart in (*self.signals, *self.calls))
        return (
            operations * sum(chart.nbytes() for chart in self.signals)
            + applications * pools
            + calls * self.calls[0].nbytes()
        )


@njit(cache=True)
def _per_execution(rows: Any, calls: Any, said: Any) -> None:
    for entry in range(rows.size):
        call, one = calls[entry], said[rows[entry]]
        if call.learned < OWN_LEAST:
            continue
        if one.worst < 0 or call.sigma > one.sigma:
            one.worst, one.sigma = entry, call.sigma
        if one.longest < 0 or call.tail > one.tail:
            one.longest, one.tail = entry, call.tail
        one.rank = max(one.rank, call.rank)
