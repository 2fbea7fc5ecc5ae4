"""Messages to receivers in the store, and what became of them."""

from typing import Annotated

from pydantic import Field
from sqlalchemy import select

from tracehound.console.store.tables import deliveries
from tracehound.console.web.asked import MomentUs, Name, Page
from tracehound.console.web.cells import of_event
from tracehound.console.web.filters import equal, within
from tracehound.console.web.lists import List
from tracehound.schemas.delivery import DeliveryOutcome


class DeliveriesAsked(Page):
    """Which messages."""

    receiver: Name | None = None
    incident_id: Name | None = None
    outcome: DeliveryOutcome | None = None
    since: Annotated[MomentUs | None, Field(description="That ended at that time or later.")] = None
    until: Annotated[MomentUs | None, Field(description="That ended before that time.")] = None


def deliveries_asked(asked: DeliveriesAsked) -> List:
    """The list of those that are asked for, the newest first."""
    columns = deliveries.c
    statement = select(columns.event, columns.time_us, columns.seq).where(
        *equal(columns.receiver, asked.receiver),
        *equal(columns.incident_id, asked.incident_id),
        *equal(columns.outcome, asked.outcome),
        *within(columns.time_us, asked.since, asked.until),
    )
    return List(statement, (columns.time_us, columns.seq), True, _CELLS)


_CELLS = of_event(
    (
        *("receiver", "kind", "incident_id", "event_id", "revision", "change", "severity", "outcome"),
        *("delay_s", "reason"),
    )
)
