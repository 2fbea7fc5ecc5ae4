"""A life as a worker would watch it: scored in order of arrival, silence judged by the clock, incidents followed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import numpy as np

from tracehound.detectors.columns.columned_executions import columned
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.schemas.incident import INCIDENT_TYPES, IncidentEvent
from tracehound.schemas.incident_input import IncidentInput
from tracehound.schemas.model_event import ModelEvent
from tracehound.scripts.benchmarks.weeks.workload import APPLICATION, Arrivals, Workload
from tracehound.streams.delivery.outputs import incident_input_of
from tracehound.streams.scoring.report_progress import ProgressLedger, tally
from tracehound.streams.scoring.score_chunk import ChunkOutcome
from tracehound.streams.scoring.watch_silence import event_time_now
from tracehound.streams.states.partitions import Seen

CALM_S, CLOSE_S = 900.0, 30.0
"""Arrivals that are scored together while nothing deviates, and while something does: incidents are followed closely
then. What is scored how does not depend on it."""
CLOSELY_FOR_S = 1_200.0
CHECKS_S = ((300.0, 5.0), (3_600.0, 15.0), (float("inf"), 60.0))
"""Until when after the last arrival, and how often, silence is judged; a worker does so every five seconds."""
KEY: ApplicationKey = (APPLICATION, "")


@dataclass(slots=True)
class Record:
    """All that was told of a life, in order, and how many executions it had."""

    anomalies: list[AnomalyEvent] = field(default_factory=list)
    incidents: list[IncidentEvent] = field(default_factory=list)
    model_events: list[ModelEvent] = field(default_factory=list)
    executions: int = 0

    @property
    def opened(self) -> list[IncidentEvent]:
        """The incidents that people were sent: the first event of each that is no quiet line."""
        sent: dict[tuple[str, int], IncidentEvent] = {}
        for event in self.incidents:
            if event.type != INCIDENT_TYPES["resolved"] and event.data.recurring is msgspec.UNSET:
                sent.setdefault((event.data.incident_id, event.data.reopened), event)
        return list(sent.values())


class Watch:
    """Scores arrivals as they come, and keeps what is told."""

    def __init__(self, settings: DetectionSettings) -> None:
        self.record = Record()
        self._settings = settings
        self._scorer = Scorer(settings, InlineFitter())
        self._book = IncidentBook(IncidentSettings())
        self._ledger = ProgressLedger()
        self._seen = Seen()
        self._closely_until_s = float("-inf")

    def watch(self, arrivals: Arrivals) -> None:
        """Take the next arrivals, and the time up to each of them."""
        at_s, executions = arrivals.at_s, arrivals.executions
        before = np.concatenate([[self._seen.scored_at_s or at_s[0]], at_s[:-1]])
        rests = [*np.flatnonzero(at_s - before >= self._settings.silence_min_s).tolist(), len(executions)]
        first, rest = 0, 0
        while first < len(executions):
            if first == rests[rest]:
                self._wait_until(float(at_s[first]))
                rest += 1
            within_s = CLOSE_S if at_s[first] < self._closely_until_s else CALM_S
            last = min(first + self._scorer.chunk, int(np.searchsorted(at_s, at_s[first] + within_s)), rests[rest])
            last = max(last, first + 1)
            self._score(executions[first:last], float(at_s[last - 1]))
            first = last

    def _score(self, executions: list[Execution], at_s: float) -> None:
        batch = self._scorer.score(executions)
        found = [event for _, event in batch.anomalies]
        self.record.executions += len(executions)
        self.record.model_events += batch.model_events
        outcome = ChunkOutcome(batch.anomalies, deviating=batch.deviating, calls=batch.calls)
        tallies = tally(columned(executions), [outcome], self._scorer.now_s)
        self._seen.newest_event_s = max(self._seen.newest_event_s, tallies[KEY].newest_s)
        self._seen.scored_at_s = self._seen.quiet_since_s = at_s
        self._ledger.acknowledged(tallies)
        if batch.deviating:
            self._closely_until_s = at_s + CLOSELY_FOR_S
        self._tell(found, batch.model_events)

    def _wait_until(self, at_s: float) -> None:
        """Judge silence as often as a worker would between the last arrival and the next."""
        last_s = self._seen.scored_at_s
        now_s = last_s
        for until_s, every_s in CHECKS_S:
            while now_s + every_s < min(at_s, last_s + until_s):
                now_s += every_s
                if now_s - last_s >= self._settings.silence_min_s:
                    self._tell(self._scorer.judge_silence(event_time_now(self._seen, now_s), [KEY]), ())

    def _tell(self, anomalies: list[AnomalyEvent], changes: "list[ModelEvent] | tuple[()]") -> None:
        self.record.anomalies += anomalies
        told = incident_input_of(anomalies, changes)
        told += [IncidentInput(progress=one) for one in self._ledger.take()]
        for one in told:
            self.record.incidents += self._book.take(one)


def watch(workload: Workload, settings: DetectionSettings, report: Callable[[int], None] = lambda _: None) -> Record:
    """Watch a life from its first to its last execution; ``report`` is told how many executions came."""
    watching = Watch(settings)
    for arrivals in workload:
        watching.watch(arrivals)
        report(len(arrivals.executions))
    return watching.record
