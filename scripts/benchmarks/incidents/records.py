"""A recording as the incident agent would get it: anomalies and progress in one order."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from schemas.anomaly import Anomaly
from schemas.execution import Execution, rfc3339
from schemas.incident_input import IncidentInput
from schemas.progress import Progress
from scripts.benchmarks.quality.data_sets import DataSet
from scripts.offline import Scores
from scripts.replay import with_templates
from scripts.traces import ReadBytes

PROGRESS_S = 5.0
"""Event time between progress records, as of a worker."""


@dataclass(slots=True)
class _Scored:
    """What was scored of one application since its last progress record."""

    through_s: float = 0.0
    executions: int = 0
    errors: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    alarmed_s: dict[str, float] = field(default_factory=dict)

    def add(self, execution: Execution, alarms: bool) -> None:
        """Count one execution."""
        self.through_s = max(self.through_s, execution.started_s)
        self.executions += 1
        self.errors += execution.failed
        self.operations[execution.operation] += 1
        self.calls.update(segment.peer for segment in execution.segments if segment.peer)
        if alarms:
            self.alarmed_s[execution.operation] = execution.started_s


def incident_inputs(data: DataSet, scorer: Scores, read: ReadBytes | None = None) -> Iterator[IncidentInput]:
    """Everything that scoring the recording tells incidents, in order.

    An execution that alarms without being told counts for all that its operation was told of before: scores do not
    say which of it goes on.
    """
    keys: dict[tuple[str, str], set[str]] = {}
    for executions in _steps(data, read):
        scored: dict[str, _Scored] = {}
        anomalies: Counter[str] = Counter()
        for first in range(0, len(executions), scorer.chunk):
            chunk = executions[first : first + scorer.chunk]
            batch = scorer.score(chunk)
            for _, event in batch.anomalies:
                anomalies[event.data.application] += 1
                keys.setdefault(_scope(event.data), set()).add(event.data.incident_key)
                yield IncidentInput(anomaly=event)
            for execution, severity in zip(chunk, batch.severity, strict=True):
                scored.setdefault(execution.application, _Scored()).add(execution, severity is not None)
        for name, one in scored.items():
            yield IncidentInput(progress=_progress(name, one, anomalies[name], keys))


def _steps(data: DataSet, read: ReadBytes | None) -> Iterator[Sequence[Execution]]:
    """The executions of each ``PROGRESS_S``."""
    step: list[Execution] = []
    end_s = float("-inf")
    for trace in data.recording.traces(read=read):
        with_templates(trace)
        if step and trace.started_s >= end_s:
            yield step
            step = []
        if not step:
            end_s = trace.started_s + PROGRESS_S
        step += trace.executions
    if step:
        yield step


def _scope(anomaly: Anomaly) -> tuple[str, str]:
    return anomaly.application, anomaly.operation


def _progress(name: str, scored: _Scored, anomalies: int, keys: dict[tuple[str, str], set[str]]) -> Progress:
    ongoing = {
        key: at_s for operation, at_s in scored.alarmed_s.items() for key in sorted(keys.get((name, operation), ()))
    }
    return Progress(
        application=name,
        environment="",
        scored_through=rfc3339(scored.through_s),
        executions=scored.executions,
        errors=scored.errors,
        anomalies=anomalies,
        operations=dict(scored.operations),
        ongoing=ongoing,
        calls=dict(scored.calls),
    )
