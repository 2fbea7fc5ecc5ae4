"""What settings would have told of recorded executions: a backtest of one candidate, with what it cost."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution, epoch_seconds

GRACE_S = 120.0
"""How long after a confirmed incident ended an anomaly still counts as of it."""
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of event time, epoch seconds."""

    start_s: float
    end_s: float

    def holds(self, at_s: float) -> bool:
        """Whether a moment counts as within."""
        return self.start_s <= at_s <= self.end_s + GRACE_S


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a candidate would have told. ``days`` is the event time that the executions cover.

    ``found`` of the ``confirmed`` incidents had an anomaly; ``outside`` counts anomalies that were in none of them.
    ``complete`` is False where the CPU seconds were used up before all executions were scored.
    """

    executions: int
    days: float
    anomalies: int
    outside: int
    confirmed: int
    found: int
    cpu_s: float
    complete: bool

    @property
    def outside_a_day(self) -> float:
        """Anomalies a day that were in no confirmed incident."""
        return self.outside / self.days if self.days else 0.0

    @property
    def recall(self) -> float | None:
        """Which share of the confirmed incidents was found; None without any."""
        return self.found / self.confirmed if self.confirmed else None


def backtest(
    settings: DetectionSettings,
    batches: Iterable[Sequence[Execution]],
    confirmed: Sequence[Stretch],
    most_cpu_s: float,
    cpu: Callable[[], float] = time.process_time,
) -> Backtest:
    """Score recorded executions of one application, in their order, from cold models.

    Parameters:
        settings: of the candidate.
        batches: the executions.
        confirmed: incidents that people confirmed.
        most_cpu_s: CPU seconds that it may take, reading included; a batch is not interrupted.
        cpu: CPU seconds of this process.
    """
    scorer, begun = Scorer(settings, InlineFitter()), cpu()
    executions, told, first_s, last_s, complete = 0, list[AnomalyEvent](), float("inf"), float("-inf"), True
    for batch in batches:
        for begin in range(0, len(batch), scorer.chunk):
            told += [event for _, event in scorer.score(batch[begin : begin + scorer.chunk]).anomalies]
        executions += len(batch)
        times = [one.started_s for one in batch]
        first_s, last_s = min([first_s, *times]), max([last_s, *times])
        if cpu() - begun >= most_cpu_s:
            complete = False
            break
    moments = [epoch_seconds(event.time) for event in told]
    found = sum(any(one.holds(at_s) for at_s in moments) for one in confirmed)
    outside = sum(not any(one.holds(at_s) for one in confirmed) for at_s in moments)
    days = max(0.0, last_s - first_s) / _DAY_S if executions else 0.0
    return Backtest(executions, days, len(told), outside, len(confirmed), found, cpu() - begun, complete)
