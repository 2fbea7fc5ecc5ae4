"""Scored executions of the kind ``log`` as what they are: log events with score, severity and anomaly."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from tracehound.detectors.alarms.events import graver, source
from tracehound.detectors.columns.columned_executions import columned
from tracehound.detectors.columns.heads import KINDS
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.schemas.anomaly import AnomalyEvent, Severity
from tracehound.schemas.codec import content_digest
from tracehound.schemas.execution import ExecutionHead, rfc3339, whole
from tracehound.schemas.log_levels import Level
from tracehound.schemas.scored_log import (
    ATTRIBUTE_PREFIX,
    SCORED_LOG_TYPE,
    SEVERITY_OF_LEVEL,
    LogAttributes,
    ScoredLog,
    ScoredLogEvent,
)

_LOG: Final = KINDS.index("log")
_NAMES: Final = frozenset(field.encode_name for field in msgspec.structs.fields(LogAttributes))


def scored_logs(
    executions: Sequence[ExecutionHead], scored: ScoredBatch, indexes: Sequence[int]
) -> Iterator[tuple[int, ScoredLogEvent | Exception]]:
    """Index and event of those executions of a batch that are log events, or why there is none of one.

    Parameters:
        executions: the chunk that ``indexes`` count in.
        scored: what scoring some of them led to.
        indexes: which those are, in their order.
    """
    logged = columned(executions).heads.kind == _LOG
    rows = [(row, index) for row, index in enumerate(indexes) if logged[index]] if logged.any() else []
    told = {row: anomaly for row, anomaly in scored.anomalies if anomaly.data.operation} if rows else {}
    for row, index in rows:
        try:
            score, warming = float(scored.score[row]), bool(scored.warming[row])
            yield index, _event(executions[index], score, warming, told.get(row))
        except Exception as error:  # noqa: BLE001 (whatever it is, the models have learned all of them)
            yield index, error


def _event(execution: ExecutionHead, score: float, warming: bool, anomaly: AnomalyEvent | None) -> ScoredLogEvent:
    about = _about(execution)
    severity: Severity | None = SEVERITY_OF_LEVEL.get(about.level)
    if anomaly is not None:
        severity = graver(severity, anomaly.data.severity)
    attributes = {name: value for name, value in execution.attributes.items() if name not in _NAMES}
    data = ScoredLog(
        id=about.id,
        application=about.application,
        environment=execution.environment,
        version=execution.version,
        host=execution.host,
        level=about.level,
        message=about.message,
        template=execution.operation,
        template_id=about.template_id,
        template_count=about.template_count,
        severity=severity,
        score=score,
        warming=warming,
        anomaly_id=None if anomaly is None else anomaly.id,
        trace_id=execution.trace_id,
        attributes=attributes,
    )
    key = (about.application, execution.environment)
    return ScoredLogEvent(
        about.id, source(key), SCORED_LOG_TYPE, execution.operation, rfc3339(execution.started_s), data
    )


def _about(execution: ExecutionHead) -> LogAttributes:
    """What the execution says of its log event, or what can be said of one that a producer wrote by itself."""
    given: dict[str, Any] = execution.attributes
    if f"{ATTRIBUTE_PREFIX}id" in given:
        try:
            return msgspec.convert(given, LogAttributes)
        except msgspec.ValidationError:
            pass  # somebody else's
    error = execution.error
    level: Level = "error" if execution.failed else "info"
    message = error.message if error is not None and error.message else execution.operation
    return LogAttributes(content_digest(whole(execution)), execution.application, level, message, "", 0)
