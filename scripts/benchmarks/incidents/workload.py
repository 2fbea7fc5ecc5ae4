"""A recording as the incident agent would get it: anomalies and progress in one order."""

from collections.abc import Iterator, Sequence

from tracehound.detectors.columns.columned_executions import columned
from tracehound.schemas.execution import Execution
from tracehound.schemas.incident_input import IncidentInput
from tracehound.scripts.benchmarks.quality.workload import DataSet
from tracehound.scripts.commands.replay import with_templates
from tracehound.scripts.recorded.offline import Scores
from tracehound.scripts.recorded.traces import ReadBytes
from tracehound.streams.delivery.outputs import incident_input_of
from tracehound.streams.scoring.report_progress import ProgressLedger, tally
from tracehound.streams.scoring.score_chunk import ChunkOutcome

PROGRESS_S = 5.0
"""Event time between progress records, as of a worker."""


def incident_inputs(data: DataSet, scorer: Scores, read: ReadBytes | None = None) -> Iterator[IncidentInput]:
    """Everything that scoring the recording tells incidents, in order."""
    ledger = ProgressLedger()
    for executions in _steps(data, read):
        for first in range(0, len(executions), scorer.chunk):
            chunk = executions[first : first + scorer.chunk]
            batch = scorer.score(chunk)
            yield from incident_input_of((event for _, event in batch.anomalies), batch.model_events)
            outcome = ChunkOutcome(batch.anomalies, deviating=batch.deviating, calls=batch.calls)
            ledger.acknowledged(tally(columned(chunk), [outcome], lambda _: None))  # of one clock
        for progress in ledger.take():
            yield IncidentInput(progress=progress)


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
