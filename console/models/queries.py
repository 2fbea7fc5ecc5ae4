"""Models in the store: every event of theirs, and the newest of each kind for each model."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection, Row, func, select

from tracehound.console.store.tables import model_events
from tracehound.console.web.asked import MomentUs, Name, Page
from tracehound.console.web.cells import of_event
from tracehound.console.web.filters import among, equal, within
from tracehound.console.web.lists import List
from tracehound.schemas.model_event import ModelEventKind

READINESS: tuple[ModelEventKind, ...] = ("warming", "ready", "reset", "loss")
DRIFTS: tuple[ModelEventKind, ...] = ("drift", "new_normal")
_MOST_MODELS = 10_000


class ModelEventsAsked(Page):
    """Which events of models."""

    application: Name | None = None
    environment: Name | None = None
    operation: Name | None = None
    model: Name | None = None
    change: Annotated[list[ModelEventKind], Field(max_length=10, default_factory=list)]
    since: Annotated[MomentUs | None, Field(description="At that time or later.")] = None
    until: Annotated[MomentUs | None, Field(description="Before that time.")] = None


def model_events_asked(asked: ModelEventsAsked, changes: Sequence[ModelEventKind] = ()) -> List:
    """The list of those that are asked for, the newest first; only such ``changes``, where any are named."""
    columns = model_events.c
    statement = select(columns.event, columns.time_us, columns.seq).where(
        *equal(columns.application, asked.application),
        *equal(columns.environment, asked.environment),
        *equal(columns.operation, asked.operation),
        *equal(columns.model, asked.model),
        *among(columns.change, asked.change),
        *among(columns.change, changes),
        *within(columns.time_us, asked.since, asked.until),
    )
    return List(statement, (columns.time_us, columns.seq), True, CELLS)


CELLS = of_event(("application", "environment", "operation", "model", "change", "learned", "needed", "sentence"))
"""Of an export as a table."""


def newest_of_models(connection: Connection, application: str, environment: str) -> Sequence[Row[Any]]:
    """Of an application's models the newest event about readiness and the newest training of each, oldest first."""
    columns = model_events.c
    whose = (columns.application == application, columns.environment == environment)
    newest = (
        select(func.max(columns.seq))
        .where(*whose, columns.change.in_((*READINESS, "trained")))
        .group_by(columns.operation, columns.model, columns.change)
        .limit(_MOST_MODELS)
    )
    wanted = select(model_events).where(columns.seq.in_(newest)).order_by(columns.time_us, columns.seq)
    return connection.execute(wanted).all()
