"""Candidates of tunings, and what they would have told, in rows: each once, by its id."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.writer import Row, finite, id_of, name_of, text_of, write_events
from tracehound.console.store.tables import tuning_results, tuning_tasks
from tracehound.schemas.tuning import read_tuning_result, read_tuning_task


class TuningTaskWriter:
    """Topic ``tuning-tasks.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        task = read_tuning_task(record.value)
        return {
            "id": id_of(task.id),
            "tuning": id_of(task.tuning),
            "number": task.number,
            "application": name_of(task.application),
            "environment": name_of(task.environment),
            "time_us": round(task.asked_at * 1e6) or record.told_us,
            "told_us": record.told_us,
            "bytes": len(record.value or b""),
            "event": text_of(record.value),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        return len(write_events(connection, tuning_tasks, rows))


class TuningResultWriter:
    """Topic ``tuning-results.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        result = read_tuning_result(record.value)
        return {
            "id": id_of(result.id),
            "tuning": id_of(result.tuning),
            "number": result.number,
            "state": result.state,
            "cpu_s": finite(result.cpu_s),
            "time_us": record.told_us,
            "told_us": record.told_us,
            "bytes": len(record.value or b""),
            "event": text_of(record.value),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        return len(write_events(connection, tuning_results, rows))
