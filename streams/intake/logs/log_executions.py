"""A log event and its template as an execution, so that all detectors see it: without a length, of the kind ``log``."""

from typing import Any, Final, cast

import msgspec

from tracehound.detectors.logs.masking import mask_secrets
from tracehound.detectors.logs.templates import Mined
from tracehound.schemas.execution import Execution, ExecutionFailure
from tracehound.schemas.log_event import LogEvent
from tracehound.schemas.log_levels import Level
from tracehound.schemas.scored_log import ATTRIBUTE_PREFIX, LogAttributes

FAILING: Final = frozenset({"error", "critical"})
"""Levels whose events count as executions that failed."""
MOST_ATTRIBUTE_BYTES: Final = 10_000
"""Attributes of an event that are longer stay on its own topic."""
LONGEST_MESSAGE: Final = 2_000
_LONGEST_ERROR: Final = 200


def execution_of(event: LogEvent, mined: Mined, suffix: str) -> Execution:
    """The execution that an event is.

    Its operation is the template. Where its level says that something failed, so did the execution, with the template
    as it was called at first for the type of its error: an error that nobody has seen is one whose template is new.

    Parameters:
        event: complete (``streams.intake.logs.records.complete``) and checked.
        suffix: put behind the application's name.
    """
    message = mask_secrets(event.message)[:LONGEST_MESSAGE]
    failed = event.level in FAILING
    about = LogAttributes(
        event.id, event.application, cast(Level, event.level), message, str(mined.template_id), mined.count
    )
    return Execution(
        event.application + suffix,
        mined.name,
        cast(float, event.timestamp),
        0.0,
        event.trace_id,
        parent_span_id=event.span_id,
        kind="log",
        status="error" if failed else "ok",
        environment=event.environment,
        version=event.version,
        host=event.host,
        error=ExecutionFailure(mined.first, message[:_LONGEST_ERROR]) if failed else None,
        attributes=_kept(event.attributes) | msgspec.to_builtins(about),
    )


def _kept(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes that are short enough, without those that have our names."""
    if not attributes or len(msgspec.json.encode(attributes)) > MOST_ATTRIBUTE_BYTES:
        return {}
    return {name: value for name, value in attributes.items() if not name.startswith(ATTRIBUTE_PREFIX)}
