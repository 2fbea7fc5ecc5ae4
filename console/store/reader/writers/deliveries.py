"""Messages to receivers in rows: each event once, by its id."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.writer import (
    Row,
    finite,
    id_of,
    microseconds,
    name_of,
    text_of,
    words_of_people,
    write_events,
)
from tracehound.console.store.tables import deliveries
from tracehound.schemas.delivery import DeliveryEvent

_EVENT = msgspec.json.Decoder(DeliveryEvent)


class DeliveryWriter:
    """Topic ``deliveries.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        event = _EVENT.decode(record.value or b"")
        data = event.data
        return {
            "id": id_of(event.id),
            "time_us": microseconds(event.time),
            "receiver": name_of(data.receiver),
            "kind": name_of(data.kind),
            "incident_id": id_of(data.incident_id),
            "event_id": id_of(data.event_id),
            "change": data.change,
            "outcome": data.outcome,
            "delay_s": finite(data.delay_s),
            "reason": words_of_people(data.reason),
            "told_us": record.told_us,
            "bytes": len(record.value or b""),
            "event": text_of(record.value),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        return len(write_events(connection, deliveries, rows))
