"""Whether executions come and nobody scores them, as the store alone can tell: pages are old then."""

from typing import Final

from sqlalchemy import Connection, func, select

from tracehound.console.store.tables import applications, operation_times
from tracehound.console.web.times import moment

PATIENCE_US: Final = 120_000_000
"""Progress may be so much older than the newest executions, by Kafka's and this machine's clock: restarts take time."""


def unscored_since(connection: Connection) -> str | None:
    """When anything was last scored (RFC 3339), where executions have come for long since then; else None.

    Where executions are not kept, or none were ever scored, nothing is said.
    """
    heard_us = connection.execute(select(func.max(operation_times.c.heard_us))).scalar()
    scored_us = connection.execute(select(func.max(applications.c.told_us))).scalar()
    if heard_us is None or scored_us is None or heard_us - scored_us < PATIENCE_US:
        return None
    return moment(int(scored_us))
