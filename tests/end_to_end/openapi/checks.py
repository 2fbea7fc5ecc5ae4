"""Checks of schemathesis for paths that take the good among the wrong: what is refused of a body is counted."""

from collections.abc import Callable
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

BEYOND_SCHEMAS = {"FutureTime", "InvalidParent", "InvalidTime", "MixedApplications"}
"""Why what a schema allows may be refused: rules about clocks, about other segments and elements."""
BEYOND_WORDS = (
    "a whole number",  # 5.0 is one to JSON Schema
    "'level' must be one of",  # whatever loggers call their levels
)
COUNTS_NOTHING = {"/api/v2/spans"}
"""Zipkin's answer has no place for a count: wrong spans among good ones become dead letters."""


def _unless(check: Callable[..., Any], holds: Callable[[Any], bool], given: tuple[Any, Any, Any]) -> None:
    _, response, _ = given
    try:
        check(*given)
    except Failure:
        if not holds(response.json()):
            raise


def _counted(told: dict[str, Any]) -> bool:
    """Whether an answer says that something was refused, in our words or in those of OTLP."""
    counts = {**told, **told.get("partialSuccess", {})}
    return any(int(count) > 0 for name, count in counts.items() if name.startswith(("refused_", "rejected")))


def _beyond(told: dict[str, Any]) -> bool:
    """Whether all that was refused breaks rules that no schema says."""
    if told.get("reason") == "idempotency_key" and told["status"] == 422:
        return True  # tried with another body before
    return bool(told.get("refused")) and all(
        each["error"] in BEYOND_SCHEMAS or any(words in each["reason"] for words in BEYOND_WORDS)
        for each in told["refused"]
    )


@schemathesis.check
def wrong_data_is_refused_or_counted(ctx: Any, response: Any, case: Any) -> None:
    if case.operation.path not in COUNTS_NOTHING:
        _unless(negative_data_rejection, _counted, (ctx, response, case))


@schemathesis.check
def good_data_is_taken(ctx: Any, response: Any, case: Any) -> None:
    _unless(positive_data_acceptance, _beyond, (ctx, response, case))
