"""Settings of applications in rows: each version once."""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec
from sqlalchemy import Connection

from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.writer import Row, name_of, text_of, write_events
from tracehound.console.store.tables import application_settings
from tracehound.schemas.application_settings import read_application_settings


class ApplicationSettingsWriter:
    """Topic ``settings.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        said = read_application_settings(record.key, record.value)
        event = msgspec.json.encode(said) if record.value is None else record.value
        digest = blake2b(record.key or b"", digest_size=16)
        digest.update(record.value or str(record.told_us).encode())
        return {
            "id": digest.hexdigest(),
            "application": name_of(said.application),
            "environment": name_of(said.environment),
            "version": said.version,
            "time_us": round(said.asked_at * 1e6) or record.told_us,
            "told_us": record.told_us,
            "bytes": len(event),
            "event": text_of(event),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        return len(write_events(connection, application_settings, rows))
