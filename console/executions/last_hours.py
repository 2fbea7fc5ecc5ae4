"""How many executions of each application began in each of its last minutes, and how long they took: for overviews."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, delete

from tracehound.console.executions.measures import DURATION
from tracehound.console.executions.rows import upsert
from tracehound.console.executions.windows import MINUTE_S, Window, WindowKey
from tracehound.console.store.tables import application_minutes
from tracehound.schemas.execution import ApplicationKey

KEPT_S: Final = 4 * 3_600
"""Minutes of an application that began so long before its newest one are removed, in seconds of event time."""
_US: Final = 1_000_000


def add_minutes(
    connection: Connection, gathered: Mapping[WindowKey, Window], kept_as: Callable[[WindowKey], ApplicationKey]
) -> None:
    """Add what was gathered; ``kept_as`` is the application that a window is kept of."""
    sums: dict[tuple[str, str, int], dict[str, Any]] = {}
    newest_s: dict[ApplicationKey, int] = {}
    for key, window in gathered.items():
        numbers = window.numbers.get(DURATION)
        if key.width_s != MINUTE_S or numbers is None:
            continue
        application = kept_as(key)
        newest_s[application] = max(key.start_s, newest_s.get(application, key.start_s))
        names = {"application": application[0], "environment": application[1], "minute_us": key.start_s * _US}
        row = sums.setdefault((*application, key.start_s), names | {"count": 0, "total_ms": 0.0})
        row["count"] += numbers.sketch.count
        row["total_ms"] += numbers.total
    upsert(connection, application_minutes, list(sums.values()), (), added=("count", "total_ms"))
    columns = application_minutes.c
    for (name, environment), start_s in newest_s.items():
        whose = (columns.application == name, columns.environment == environment)
        connection.execute(delete(application_minutes).where(*whose, columns.minute_us < (start_s - KEPT_S) * _US))
