"""Replays a recording as the product would score it, keeps what people would have been told, and has it judged."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tracehound.detectors.columns.columned_executions import columned
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.schemas.incident_input import IncidentInput
from tracehound.schemas.model_event import ModelEvent
from tracehound.scripts.acceptance.sweep import Swept, sweep
from tracehound.scripts.acceptance.timeline import Stretch, Timeline, cut
from tracehound.scripts.acceptance.told import Told
from tracehound.scripts.benchmarks.acceptance.watched import Watched
from tracehound.scripts.benchmarks.incidents.workload import PROGRESS_S
from tracehound.scripts.benchmarks.quality.workload import DataSet
from tracehound.scripts.commands.replay import with_templates
from tracehound.scripts.recorded.evaluation import EFFECT_S
from tracehound.scripts.recorded.offline import Scores, score_traces
from tracehound.scripts.recorded.traces import FaultWindow, ReadBytes
from tracehound.streams.delivery.outputs import incident_input_of
from tracehound.streams.scoring.report_progress import ProgressLedger, tally
from tracehound.streams.scoring.score_chunk import ChunkOutcome

ASKED_S = 300.0
"""How time is cut unless the command is told otherwise."""

Figures = dict[str, Any]
"""Numbers, texts and nested figures by name, ready for JSON."""


class Teller:
    """Passes executions on to a scorer, and keeps the anomalies and incidents that come of them in ``told``.

    Incidents get what they would from a worker: anomalies, changes of models, and progress every ``PROGRESS_S``.
    """

    def __init__(self, scorer: Scores) -> None:
        self.told = Told()
        self._scorer = scorer
        self._book = IncidentBook(IncidentSettings())
        self._ledger, self._due_s = ProgressLedger(), 0.0

    @property
    def chunk(self) -> int:
        """The scorer's own."""
        return self._scorer.chunk

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        """Score, then learn, in order."""
        batch = self._scorer.score(executions)
        self._tell([event for _, event in batch.anomalies], batch.model_events)
        outcome = ChunkOutcome(batch.anomalies, deviating=batch.deviating, calls=batch.calls)
        self._ledger.acknowledged(tally(columned(executions), [outcome], lambda _: None))
        if executions[-1].started_s >= self._due_s:
            self._due_s = executions[-1].started_s + PROGRESS_S
            self._take(IncidentInput(progress=progress) for progress in self._ledger.take())
        return batch

    def now_s(self, application: ApplicationKey) -> float | None:
        """What time it is in an application, in epoch seconds."""
        return self._scorer.now_s(application)

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        """Anomalies of applications that have missed traffic."""
        events = self._scorer.judge_silence(now_s, applications)
        self._tell(events)
        return events

    def _tell(self, events: Sequence[AnomalyEvent], changes: Sequence[ModelEvent] = ()) -> None:
        for event in events:
            self.told.anomaly(event)
        self._take(incident_input_of(events, changes))

    def _take(self, records: Iterable[IncidentInput]) -> None:
        for record in records:
            for event in self._book.take(record):
                self.told.incident(event)


def figures_of(data: DataSet, read: ReadBytes | None = None) -> Figures:
    """Everything that goes into the JSON document under a recording's name; its warm-up is not judged."""
    teller = Teller(Scorer(DetectionSettings(), InlineFitter()))
    traces = map(with_templates, data.recording.traces(read=read))
    watched = Watched(score_traces(traces, teller).started_s[data.scored])
    alerts, scores = watched.within(teller.told.alerts()), watched.within(teller.told.scores())
    verdicts = {}
    for name, faults in lists_of(data).items():
        truth = watched.within(incidents_of(faults))
        swept = sweep(_cutting(watched, truth, alerts, scores), ASKED_S)
        verdicts[name] = {"incidents": len(truth), **_figures(swept)}
    return {"minutes": watched.minutes, "alerts": len(alerts), "anomalies": len(scores), "lists": verdicts}


def lists_of(data: DataSet) -> dict[str, Sequence[FaultWindow]]:
    """The lists that somebody might have written: of what shows, and of all that was injected or is known of."""
    known: dict[str, Sequence[FaultWindow]] = {
        "visible": [one for one in data.windows if one.visible],
        "all": list(data.windows),
    }
    return known | {"all and unlisted": [*data.windows, *data.unlisted]} if data.unlisted else known


def incidents_of(faults: Sequence[FaultWindow]) -> list[Stretch]:
    """Each fault from its injection on, for as long as its effect is looked for."""
    return [Stretch(fault.inject_s, fault.inject_s + EFFECT_S) for fault in faults]


def _cutting(
    watched: Watched, truth: Sequence[Stretch], alerts: Sequence[Stretch], scores: Sequence[Stretch]
) -> Callable[[float], Timeline]:
    return lambda size_s: cut(0.0, watched.seconds, size_s, truth, alerts, scores)


def _figures(swept: Swept) -> Figures:
    sizes = [{name: value for name, value in asdict(one).items() if name != "checks"} for one in swept.sizes]
    return {
        "verdict": swept.verdict,
        "reasons": swept.reasons,
        "checks": [asdict(check) for check in swept.asked.checks],
        "sizes": sizes,
    }
