"""Reports how far each application has been scored, from what runs have been acknowledged."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.columned_executions import ColumnedExecutions
from tracehound.detectors.columns.heads import Heads
from tracehound.detectors.packed.occurrences import Occurrences
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import ApplicationKey, QueueWait, rfc3339
from tracehound.schemas.incident_input import IncidentInput
from tracehound.schemas.progress import Progress
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.delivery.outputs import incident_input_outgoing
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.scoring.score_chunk import ChunkOutcome

OTHER_OPERATIONS = "(other)"
_MOST_OPERATIONS = 1_000
_MOST_CALLEES = 200
_OPERATIONS_BYTES, _ONGOING_BYTES, _CALLEES_BYTES = 400_000, 300_000, 100_000
"""The most that names may take of a record: Kafka takes a megabyte, and names are as long as producers want them."""
_LONGEST_LETTER = 6
_NO_SOURCE = -1


@dataclass(slots=True)
class Tally:
    """What was scored of one application: counts, and what time it is there, in epoch seconds.

    ``ongoing`` and ``calls`` as in ``schemas.progress.Progress``.
    """

    newest_s: float
    executions: int = 0
    errors: int = 0
    anomalies: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    ongoing: dict[str, float] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Count what ``other`` counts, too."""
        self.newest_s = max(self.newest_s, other.newest_s)
        self.executions += other.executions
        self.errors += other.errors
        self.anomalies += other.anomalies
        self.operations.update(other.operations)
        self.calls.update(other.calls)
        self.taken.update(other.taken)
        self.note_deviations(other.ongoing)

    def note_deviations(self, deviating: Mapping[str, float]) -> None:
        """Keys of incidents that alarmed, and when they last did, epoch seconds."""
        for key, at_s in deviating.items():
            self.ongoing[key] = max(at_s, self.ongoing.get(key, at_s))


Tallies = dict[ApplicationKey, Tally]


def tally(
    executions: ColumnedExecutions,
    outcomes: Iterable[ChunkOutcome],
    now_s: Callable[[ApplicationKey], float | None],
) -> Tallies:
    """Count the executions of each application, and what they led to.

    ``now_s`` gives what time it is in an application, in epoch seconds: one execution's clock does not say that. Where
    nobody knows, the newest execution does.
    """
    heads = executions.heads
    came = Occurrences(heads.application)
    errors = np.bincount(came.place[heads.failed], minlength=len(came.first)).tolist()
    newest_s = np.full(len(came.first), -np.inf)
    np.maximum.at(newest_s, came.place, heads.started_s)
    tallies: Tallies = {}
    for place, number in enumerate(heads.application[came.first].tolist()):
        key = heads.names.applications.names[number]
        known_s = now_s(key)
        tallies[key] = Tally(
            newest_s=float(newest_s[place]) if known_s is None else known_s,
            executions=came.counts[place],
            errors=errors[place],
        )
    own, which = list(tallies.values()), came.place
    _count_operations(heads, which, own)
    for row, wait in zip(heads.waiting.tolist(), heads.waits, strict=True):
        own[which[row]].taken.update(_queues(wait))
    for outcome in outcomes:
        for _, anomaly in outcome.anomalies:
            tallies[anomaly.data.application, anomaly.data.environment].anomalies += 1
        for application, deviating in outcome.deviating.items():
            tallies[application].note_deviations(deviating)
        for application, calls in outcome.calls.items():
            tallies[application].calls.update(calls)
    return tallies


def _count_operations(heads: Heads, which: Slots, tallies: Sequence[Tally]) -> None:
    """How often each operation comes, in order of appearance; ``which`` (n,) of the tallies each execution is in."""
    names = heads.names.operations.names
    came = Occurrences(which * len(names) + heads.operation)
    places, numbers = which[came.first].tolist(), heads.operation[came.first].tolist()
    for place, number, count in zip(places, numbers, came.counts, strict=True):
        tallies[place].operations[names[number]] = count


def _queues(wait: QueueWait) -> tuple[str, ...]:
    """What the queue is called at both of its ends."""
    return (wait.destination, wait.sent_to) if wait.sent_to else (wait.destination,)


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


def _fitting(named: Mapping[str, float], most_bytes: int) -> list[str]:
    """The first of these names that take no more than so many bytes together."""
    if _LONGEST_LETTER * sum(map(len, named)) <= most_bytes:  # as nearly always
        return list(named)
    ends = accumulate(len(json.dumps(name, ensure_ascii=False).encode()) for name in named)
    return [name for name, end in zip(named, ends, strict=True) if end <= most_bytes]


def _most(counts: Counter[str], most: int, most_bytes: int) -> dict[str, int]:
    """Those that were counted most often, no more than so many, of names of no more than so many bytes together."""
    ranked = dict(counts.most_common(most))
    return {name: ranked[name] for name in _fitting(ranked, most_bytes)}


def _progress(application: ApplicationKey, counted: Tally) -> Progress:
    operations = dict(counted.operations)
    if len(operations) > _MOST_OPERATIONS or len(_fitting(operations, _OPERATIONS_BYTES)) < len(operations):
        operations = _most(counted.operations, _MOST_OPERATIONS, _OPERATIONS_BYTES)
        others = counted.executions - sum(operations.values())
        operations[OTHER_OPERATIONS] = others + operations.get(OTHER_OPERATIONS, 0)
    newest = set(_fitting(dict(sorted(counted.ongoing.items(), key=lambda item: -item[1])), _ONGOING_BYTES))
    name, environment = application
    return Progress(
        application=name,
        environment=environment,
        scored_through=rfc3339(counted.newest_s),
        executions=counted.executions,
        errors=counted.errors,
        anomalies=counted.anomalies,
        operations=operations,
        ongoing={key: at_s for key, at_s in counted.ongoing.items() if key in newest},
        calls=_most(counted.calls, _MOST_CALLEES, _CALLEES_BYTES),
        taken=_most(counted.taken, _MOST_CALLEES, _CALLEES_BYTES),
    )


async def report_progress(ledger: ProgressLedger, topics: Topics, delivery: Delivery, metrics: Metrics) -> None:
    """Timer. Input: the ledger. Outputs: progress topic, keyed by application, and the input of incidents.

    Sent at least once; what was acknowledged but not yet reported is lost with the process.
    """
    progress: Sequence[Progress] = ledger.take()
    if not progress:
        return
    outgoing = [Outgoing(topics.progress.name, one.application.encode(), encode(one)) for one in progress]
    told = incident_input_outgoing([IncidentInput(progress=one) for one in progress], topics.incident_input.name)
    await delivery.send(Parcel(_NO_SOURCE, [*outgoing, *told]))
    metrics.progress_records.inc(len(progress))
