"""Messages to receivers in the store, and what became of them."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from pydantic import Field
from sqlalchemy import Connection, select

from tracehound.console.store.tables import deliveries
from tracehound.console.web.asked import MomentUs, Name, Page
from tracehound.console.web.cells import of_event
from tracehound.console.web.filters import equal, within
from tracehound.console.web.lists import List
from tracehound.schemas.delivery import DeliveryEvent, DeliveryOutcome


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


def newest_by_receiver(connection: Connection, names: Iterable[str]) -> dict[str, DeliveryEvent]:
    """The last message to each of these receivers, as far as any is kept."""
    columns = deliveries.c
    newest = select(columns.event).order_by(columns.time_us.desc(), columns.seq.desc()).limit(1)
    found = {name: connection.execute(newest.where(columns.receiver == name)).scalar() for name in names}
    return {name: msgspec.json.decode(event, type=DeliveryEvent) for name, event in found.items() if event is not None}
