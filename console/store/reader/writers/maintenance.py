"""Maintenance windows in rows: what was last said of each."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.upsert import Changes, upsert
from tracehound.console.store.reader.writers.writer import Row, id_of, name_of, text_of
from tracehound.console.store.tables import maintenance_windows
from tracehound.schemas.feedback import Maintenance

_MAINTENANCE = msgspec.json.Decoder(Maintenance)
_REPLACED: Final = Changes(replaced=[column.name for column in maintenance_windows.c if column.name != "window_id"])


class MaintenanceWriter:
    """Topic ``maintenance.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        said = _MAINTENANCE.decode(record.value or b"")
        return {
            "window_id": id_of(said.window_id),
            "starts_at_us": round(said.starts_at * 1e6),
            "ends_at_us": round(said.ends_at * 1e6),
            "time_us": record.told_us,
            "application": name_of(said.application),
            "environment": name_of(said.environment),
            "learn": said.learn,
            "withdrawn": said.withdrawn,
            "told_us": record.told_us,
            "event": text_of(record.value),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        last = {row["window_id"]: {name: value for name, value in row.items() if name != "time_us"} for row in rows}
        upsert(connection, maintenance_windows, list(last.values()), _REPLACED)
        return len(last)
