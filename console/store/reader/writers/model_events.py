"""What happened to models in rows: each event once, by its id."""

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
from tracehound.console.store.tables import model_events
from tracehound.schemas.model_event import ModelEvent

_EVENT = msgspec.json.Decoder(ModelEvent)


class ModelEventWriter:
    """Topic ``models.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        event = _EVENT.decode(record.value or b"")
        data = event.data
        cost = data.cost
        return {
            "id": id_of(event.id),
            "time_us": microseconds(event.time),
            "application": name_of(data.application),
            "environment": name_of(data.environment),
            "operation": name_of(data.operation),
            "model": name_of(data.model),
            "change": data.change,
            "learned": data.learned,
            "needed": data.needed,
            "version": name_of(data.version),
            "sentence": words_of_people(data.sentence),
            "cpu_s": None if cost is None else finite(cost.cpu_s),
            "wall_s": None if cost is None else finite(cost.wall_s),
            "samples": None if cost is None else cost.samples,
            "model_bytes": None if cost is None else cost.model_bytes,
            "told_us": record.told_us,
            "bytes": len(record.value or b""),
            "event": text_of(record.value),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        return len(write_events(connection, model_events, rows))
