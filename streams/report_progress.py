"""Reports how far each application has been scored, from what runs have been acknowledged."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from detectors.application import ApplicationKey
from schemas.anomaly import AnomalyEvent
from schemas.codec import encode
from schemas.execution import Execution, rfc3339
from schemas.progress import Progress
from streams.delivery import Delivery, Parcel
from streams.metrics import Metrics
from streams.publisher import Outgoing

OTHER_OPERATIONS = "(other)"
_MOST_OPERATIONS = 1_000
_NO_SOURCE = -1


@dataclass(slots=True)
class Tally:
    """What was scored of one application: counts, and the newest event time in epoch seconds."""

    newest_s: float
    executions: int = 0
    errors: int = 0
    anomalies: int = 0
    operations: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Count what ``other`` counts, too."""
        self.newest_s = max(self.newest_s, other.newest_s)
        self.executions += other.executions
        self.errors += other.errors
        self.anomalies += other.anomalies
        self.operations.update(other.operations)


Tallies = dict[ApplicationKey, Tally]


def tally(executions: Mapping[ApplicationKey, Sequence[Execution]], anomalies: Iterable[AnomalyEvent]) -> Tallies:
    """Count the executions of each application; none has an empty sequence."""
    tallies = {application: _tally_of(own) for application, own in executions.items()}
    for anomaly in anomalies:
        counted = tallies.get((anomaly.data.application, anomaly.data.environment))
        if counted is not None:
            counted.anomalies += 1
    return tallies


def _tally_of(executions: Sequence[Execution]) -> Tally:
    return Tally(
        newest_s=max([execution.started_s for execution in executions]),
        executions=len(executions),
        errors=sum([execution.failed for execution in executions]),
        operations=Counter([execution.operation for execution in executions]),
    )


class ProgressLedger:
    """Collects the tallies of acknowledged runs until they are reported."""

    def __init__(self) -> None:
        self._pending: Tallies = {}

    def acknowledged(self, tallies: Tallies) -> None:
        """The runs that these were counted from have been acknowledged."""
        for application, counted in tallies.items():
            known = self._pending.setdefault(application, counted)
            if known is not counted:
                known.add(counted)

    def take(self) -> list[Progress]:
        """Progress of every application with new executions since the last call."""
        pending, self._pending = self._pending, {}
        return [_progress(application, counted) for application, counted in pending.items()]


def _progress(application: ApplicationKey, counted: Tally) -> Progress:
    operations = dict(counted.operations)
    if len(operations) > _MOST_OPERATIONS:
        operations = dict(counted.operations.most_common(_MOST_OPERATIONS))
        operations[OTHER_OPERATIONS] = counted.executions - sum(operations.values())
    name, environment = application
    return Progress(
        application=name,
        environment=environment,
        scored_through=rfc3339(counted.newest_s),
        executions=counted.executions,
        errors=counted.errors,
        anomalies=counted.anomalies,
        operations=operations,
    )


async def report_progress(ledger: ProgressLedger, topic: str, delivery: Delivery, metrics: Metrics) -> None:
    """Timer. Input: the ledger. Output: progress topic, keyed by application.

    Sent at least once; what was acknowledged but not yet reported is lost with the process.
    """
    progress: Sequence[Progress] = ledger.take()
    if not progress:
        return
    outgoing = [Outgoing(topic, one.application.encode(), encode(one)) for one in progress]
    await delivery.send(Parcel(_NO_SOURCE, outgoing))
    metrics.progress_records.inc(len(outgoing))
