"""Scores a chunk of executions; if scoring fails, finds the offenders and scores everything else."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from tracehound.schemas.anomaly import AnomalyEvent, AnomalyKind
from tracehound.schemas.execution import ApplicationKey, ExecutionHead
from tracehound.schemas.model_event import ModelEvent
from tracehound.streams.states.scoring_core import ScoringCore

log = structlog.get_logger(__name__)


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


def score_chunk(scorer: ScoringCore, executions: Sequence[ExecutionHead]) -> ChunkOutcome:
    """Score the chunk in order. Never raises.

    After a failure each application is scored by itself, and where that fails too, each execution; what
    the core had learned before it raised may be learned twice then.
    """
    outcome = ChunkOutcome()
    if _try(scorer, executions, range(len(executions)), outcome) is None:
        return outcome
    groups: defaultdict[ApplicationKey, list[int]] = defaultdict(list)
    for index, execution in enumerate(executions):
        groups[execution.application, execution.environment].append(index)
    for indexes in groups.values():
        if len(groups) > 1 and _try(scorer, executions, indexes, outcome) is None:
            continue
        for index in indexes:
            error = _try(scorer, executions, [index], outcome)
            if error is not None:
                outcome.failures.append((index, error))
    outcome.anomalies.sort(key=lambda found: found[0])
    return outcome


def _try(
    scorer: ScoringCore, executions: Sequence[ExecutionHead], indexes: Sequence[int], outcome: ChunkOutcome
) -> Exception | None:
    chosen = executions if len(indexes) == len(executions) else [executions[index] for index in indexes]
    try:
        scored = scorer.score(chosen)
    except Exception as error:
        log.error("scoring_failed", executions=len(indexes), cause=repr(error), exc_info=len(indexes) == 1)
        return error
    outcome.anomalies += [(indexes[index], anomaly) for index, anomaly in scored.anomalies]
    outcome.model_events += scored.model_events
    outcome.suppressed.update(scored.suppressed)
    for application, keys in scored.deviating.items():
        outcome.deviating.setdefault(application, {}).update(keys)
    for application, counts in scored.calls.items():
        known = outcome.calls.setdefault(application, {})
        for peer, count in counts.items():
            known[peer] = known.get(peer, 0) + count
    return None
