"""Checks of schemathesis for paths that take the good among the wrong: what is refused of a body is counted."""

from collections.abc import Callable
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

BEYOND_SCHEMAS = {"FutureTime", "InvalidParent", "InvalidTime", "MixedApplications"}
"""Why an execution may be refused that its schema allows: rules about clocks, about other segments and elements."""
WHOLE = "must be a whole number"
"""And that 5.0 is none, which JSON Schema says it is."""


def _unless(check: Callable[..., Any], holds: Callable[[Any], bool], path: str, given: tuple[Any, Any, Any]) -> None:
    context, response, case = given
    if case.operation.path != path:
        return
    try:
        check(context, response, case)
    except Failure:
        if not holds(response.json()):
            raise


@schemathesis.check
def wrong_executions_are_counted(ctx: Any, response: Any, case: Any) -> None:
    _unless(
        negative_data_rejection, lambda told: told["refused_executions"] > 0, "/v1/executions", (ctx, response, case)
    )


@schemathesis.check
def wrong_spans_are_counted(ctx: Any, response: Any, case: Any) -> None:
    _unless(
        negative_data_rejection,
        lambda told: int(told["partialSuccess"]["rejectedSpans"]) > 0,
        "/v1/traces",
        (ctx, response, case),
    )


@schemathesis.check
def executions_are_refused_by_rules_beyond_the_schema_only(ctx: Any, response: Any, case: Any) -> None:
    _unless(
        positive_data_acceptance,
        lambda told: all(each["error"] in BEYOND_SCHEMAS or WHOLE in each["reason"] for each in told["refused"]),
        "/v1/executions",
        (ctx, response, case),
    )
