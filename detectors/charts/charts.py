"""The charts of an application: one per operation and signal, one per called peer, and one per queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.charts.chart import Chart, ChartJudgement, ChartRules
from tracehound.detectors.charts.kernel import OWN_LEAST
from tracehound.detectors.charts.signals import CALLS, CHARTS, KEYED, QUEUE, ChartedSignal
from tracehound.detectors.features.batch import Batch, Calls
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.fields import RecordField
from tracehound.detectors.settings import DetectionSettings

PER_EXECUTION: Final = np.dtype(
    [
        *(("worst", np.int64), ("longest", np.int64)),
        *((name, np.float64) for name in ("sigma", "tail", "rank")),
        *(("seasonal", np.bool_), ("outlived", np.bool_)),
    ]
)
"""What the calls of one execution say: the fields of ``CallJudgement``."""
BEHIND_S: Final = 20.0
"""For so long, in event time, messages wait too long where a consumer is behind: when a group shares its partitions out
anew, as at every release, what waited meanwhile is worked off sooner."""
_NO_CALL: Final = np.array((-1, -1, np.nan, 0.0, 0.5, False, False), PER_EXECUTION)


@dataclass(frozen=True, slots=True)
class CallJudgement:
    """What the charts of m calls say, and which of its calls says most about each of n executions.

    ``rows`` (n,) are records of what follows. ``worst`` and ``longest`` (n,) are places in ``calls`` and ``chart``, -1
    without a call: by ``sigma`` and by ``tail``. ``sigma``, ``tail`` and ``rank`` (n,) are the largest of the
    execution's calls; ``seasonal`` (n,) is True where one was compared with what is usual at this time of the day,
    ``outlived`` (n,) is that of the worst (``ChartJudgement``).
    """

    calls: Calls
    chart: ChartJudgement
    rows: NDArray[np.void]

    worst = RecordField[Slots]()
    longest = RecordField[Slots]()
    sigma = RecordField[Floats]()
    tail = RecordField[Floats]()
    rank = RecordField[Floats]()
    seasonal = RecordField[Flags]()
    outlived = RecordField[Flags]()


@dataclass(frozen=True, slots=True)
class QueueJudgement:
    """What the charts of queues say about the m executions of a batch that tell how long their messages waited."""

    waits: Calls
    chart: ChartJudgement

    def place_of(self, row: int) -> int:
        """The place in ``waits`` and ``chart`` of the execution at ``row``, which is one of theirs."""
        return int(np.searchsorted(self.waits.rows, row))

    def sigma_of_rows(self, n: int, unsure: float) -> Floats:
        """The deviation of each of n executions, NaN without a queue or while it has too few values.

        It counts as ``unsure`` at most until it has lasted for ``BEHIND_S``.
        """
        chart, found = self.chart, np.full(n, np.nan)
        sigma = np.where(chart.lasting >= BEHIND_S, chart.sigma, np.minimum(chart.sigma, unsure))
        found[self.waits.rows] = np.where(chart.learned >= OWN_LEAST, sigma, np.nan)
        return found


class Charts:
    """All charts of all operations, called peers and queues, with the pools that new ones of an application look at."""

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
        self.queues = chart(QUEUE)
        self.keyed = (*self.calls, self.queues)

    def open_operation(self, slot: int, seed: int) -> None:
        """Start afresh for the operation in ``slot``."""
        for chart in self.signals:
            chart.open(slot, seed)

    def open_call(self, kind: int, slot: int, seed: int) -> None:
        """Start afresh for the peer or queue in ``slot``; ``kind`` is a place in ``KEYED``."""
        self.keyed[kind].open(slot, seed)

    def open_application(self, slot: int, seed: int) -> None:
        """Start the application's pools afresh."""
        for chart in (*self.signals, *self.keyed):
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
            accept_after=batch.patience(),
            released=batch.released,
            early=batch.early,
        )

    def judge_calls(self, batch: Batch) -> tuple[CallJudgement, ...]:
        """Judge, then learn, the calls of a batch."""
        found = []
        for calls, chart in zip(batch.calls, self.calls, strict=True):
            rows = calls.rows
            judged = chart.judge_then_learn(
                *(calls.slots, batch.applications[rows], calls.values, batch.times[rows]),
                accept_after=batch.patience()[rows],
                released=batch.released[rows],
                early=batch.early[rows],
            )
            said = np.full(len(batch.times), _NO_CALL, PER_EXECUTION)
            _per_execution(rows, judged.rows, said)
            found.append(CallJudgement(calls, judged, said))
        return tuple(found)

    def judge_queues(self, batch: Batch) -> QueueJudgement | None:
        """Judge, then learn, how long the messages of a batch waited; None where no execution tells of any."""
        waits = batch.queues
        if waits is None:
            return None
        rows = waits.rows
        judged = self.queues.judge_then_learn(
            *(waits.slots, batch.applications[rows], waits.values, batch.times[rows]),
            accept_after=batch.patience()[rows],
            released=batch.released[rows],
            early=batch.early[rows],
        )
        return QueueJudgement(waits, judged)

    def snapshot_operation(self, slot: int) -> dict[str, State]:
        """The state of an operation's charts."""
        return {signal.name: chart.snapshot(slot) for signal, chart in zip(CHARTS, self.signals, strict=True)}

    def restore_operations(self, slots: Slots, states: Sequence[Mapping[str, Mapping[str, Any]]]) -> None:
        """Take over the charts of operations."""
        for signal, chart in zip(CHARTS, self.signals, strict=True):
            chart.restore_many(slots, [state[signal.name] for state in states])

    def snapshot_application(self, slot: int) -> dict[str, State]:
        """The state of an application's pools."""
        charts = zip((*CHARTS, *KEYED), (*self.signals, *self.keyed), strict=True)
        return {signal.name: chart.snapshot_pool(slot) for signal, chart in charts}

    def restore_application(self, slot: int, state: dict[str, State]) -> None:
        """Take over an application's pools; that of queues stays fresh where there were none when it was stored."""
        for signal, chart in zip((*CHARTS, *KEYED), (*self.signals, *self.keyed), strict=True):
            if signal is not QUEUE or signal.name in state:
                chart.restore_pool(slot, state[signal.name])

    def nbytes(self, operations: int, applications: int, calls: int) -> int:
        """Bytes that so many operations, applications, and called peers and queues take, with the values there now."""
        of_operations = sum(chart.nbytes_now(operations, applications) for chart in self.signals)
        of_calls = sum(chart.nbytes_now(0, applications) for chart in self.keyed)
        return of_operations + of_calls + self.calls[0].nbytes_now(calls, 0) - self.calls[0].nbytes_now(0, 0)


@njit(cache=True)
def _per_execution(rows: Any, calls: Any, said: Any) -> None:
    for entry in range(rows.size):
        call, one = calls[entry], said[rows[entry]]
        if call.learned < OWN_LEAST:
            continue
        if one.worst < 0 or call.sigma > one.sigma:
            one.worst, one.sigma, one.outlived = entry, call.sigma, call.outlived
        if one.longest < 0 or call.tail > one.tail:
            one.longest, one.tail = entry, call.tail
        one.rank = max(one.rank, call.rank)
        one.seasonal |= call.seasonal
