"""What an operation, or a whole application, did around the time of an anomaly."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from tracehound.console.applications.queries import application_of
from tracehound.console.applications.signals import signals_of_application, signals_of_operation
from tracehound.console.web.series import US, Series, Span
from tracehound.schemas.anomaly import Anomaly, AnomalyKind
from tracehound.schemas.execution import epoch_seconds

_NEAR: Final = Span(0, 60, 60)
"""An hour, as long as what is kept of it is kept by the minute."""
_FAR: Final = Span(0, 1_200, 72)
_MINUTES_S: Final = 5 * 3_600
_OF_KIND: Final[Mapping[AnomalyKind, Sequence[str]]] = {
    "latency": ("duration", "traffic"),
    "errors": ("errors", "traffic"),
    "traffic": ("traffic", "errors"),
    "saturation": ("duration", "traffic"),
    "structure": ("duration", "errors"),
    "outlier": ("duration", "errors"),
}


def around(connection: Connection, anomaly: Anomaly, time: str) -> list[Series]:
    """The signals that an anomaly of its kind is about, with half of their time before it; none where none is kept."""
    key = (anomaly.application, anomaly.environment)
    row = application_of(connection, key)
    if row is None:
        return []
    at_s, through_s = epoch_seconds(time), row.scored_through_us / US
    span = _NEAR if through_s - at_s < _MINUTES_S else _FAR
    until_s = min(at_s + span.steps * span.step_s / 2, through_s)
    span = replace(span, until_s=int(until_s // span.step_s + 1) * span.step_s)
    if anomaly.operation:
        found = signals_of_operation(connection, key, anomaly.operation, span)
    else:
        found = signals_of_application(connection, row, span)
    wanted = _OF_KIND[anomaly.kind]
    chosen = sorted((one for one in found if one.identity in wanted), key=lambda one: wanted.index(one.identity))
    return [replace(one, marked=[time]) for one in chosen if not one.is_empty]
