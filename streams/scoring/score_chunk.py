"""Scores a chunk of executions; where scoring fails, finds the offenders, and everything else is learned once."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.schemas.anomaly import AnomalyEvent, AnomalyKind
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import ApplicationKey, ExecutionHead
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.scored_log import ScoredLogEvent
from tracehound.streams.scoring.scored_logs import scored_logs
from tracehound.streams.states.scoring_core import ScoringCore

log = structlog.get_logger(__name__)


class ScoringFailedError(TracehoundError):
    """The core raised: it is not known what it had learned by then. The cause is the error that it raised."""


@dataclass(slots=True)
class ChunkOutcome:
    """What a chunk led to; indexes count within the chunk. ``deviating``, ``calls`` and ``suppressed`` as in
    ``ScoredBatch``.
    """

    anomalies: list[tuple[int, AnomalyEvent]] = field(default_factory=list)
    model_events: list[ModelEvent] = field(default_factory=list)
    failures: list[tuple[int, Exception]] = field(default_factory=list)
    deviating: dict[ApplicationKey, dict[str, float]] = field(default_factory=dict)
    calls: dict[ApplicationKey, dict[str, int]] = field(default_factory=dict)
    suppressed: Counter[AnomalyKind] = field(default_factory=Counter)
    logs: list[tuple[int, ScoredLogEvent | Exception]] = field(default_factory=list)

    def add(self, scored: ScoredBatch, indexes: Sequence[int], executions: Sequence[ExecutionHead]) -> None:
        """Take in what scoring the executions at ``indexes`` of the chunk led to."""
        self.logs += scored_logs(executions, scored, indexes)
        self.anomalies += [(indexes[index], anomaly) for index, anomaly in scored.anomalies]
        self.model_events += scored.model_events
        self.suppressed.update(scored.suppressed)
        for application, keys in scored.deviating.items():
            self.deviating.setdefault(application, {}).update(keys)
        for application, counts in scored.calls.items():
            known = self.calls.setdefault(application, {})
            for peer, count in counts.items():
                known[peer] = known.get(peer, 0) + count


def score_at_once(scorer: ScoringCore, executions: Sequence[ExecutionHead]) -> ChunkOutcome:
    """Score the chunk in order, in one call.

    Raises:
        ScoringFailedError: the core raised. What it then knows of these executions' applications is of no use: their
            models are to be taken from where they were saved.
    """
    outcome = ChunkOutcome()
    try:
        outcome.add(scorer.score(executions), range(len(executions)), executions)
    except Exception as error:
        log.exception("scoring_failed", executions=len(executions))
        raise ScoringFailedError(f"Scoring {len(executions)} executions failed: {error!r}.") from error
    return outcome


def score_chunk(scorer: ScoringCore, executions: Sequence[ExecutionHead]) -> ChunkOutcome:
    """Score the chunk in order, each application by itself. Never raises for an execution.

    An application's models are copied before. Where the core raises they are put back, and each half of what was to
    be scored is scored by itself, down to the executions that cannot be: these alone are not learned, and all others
    once, in their order. One that fails by itself is tried once more, for want of memory and the like are nobody's
    fault. It costs a copy of the models for each chunk.
    """
    outcome = ChunkOutcome()
    groups: defaultdict[ApplicationKey, list[int]] = defaultdict(list)
    for index, execution in enumerate(executions):
        groups[execution.application, execution.environment].append(index)
    for key, indexes in groups.items():
        _score_or_halve(scorer, key, executions, indexes, outcome)
    outcome.anomalies.sort(key=lambda found: found[0])
    return outcome


def _score_or_halve(
    scorer: ScoringCore,
    key: ApplicationKey,
    executions: Sequence[ExecutionHead],
    indexes: Sequence[int],
    outcome: ChunkOutcome,
    once_more: bool = True,
) -> None:
    before = _models_of(scorer, key)
    try:
        scored = scorer.score([executions[index] for index in indexes])
    except Exception as error:  # noqa: BLE001 (whatever the core raises, the other executions are scored)
        log.error("scoring_failed", executions=len(indexes), cause=repr(error))
        if before is None:
            scorer.forget(key)
        else:
            scorer.restore(before, key)
        middle = len(indexes) // 2
        if middle:
            _score_or_halve(scorer, key, executions, indexes[:middle], outcome)
            _score_or_halve(scorer, key, executions, indexes[middle:], outcome)
        elif once_more:
            _score_or_halve(scorer, key, executions, indexes, outcome, once_more=False)
        else:
            outcome.failures.append((indexes[0], error))
    else:
        outcome.add(scored, indexes, executions)


def _models_of(scorer: ScoringCore, key: ApplicationKey) -> bytes | None:
    try:
        return scorer.snapshot(key)
    except KeyError:
        return None
