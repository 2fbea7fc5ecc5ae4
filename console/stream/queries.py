"""What came after a place in the order of storing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from sqlalchemy import Connection, Table, func, select

from tracehound.console.store.tables import anomalies, incident_events

Kind = Literal["anomaly", "incident"]
TABLES: Final[Mapping[Kind, Table]] = MappingProxyType({"anomaly": anomalies, "incident": incident_events})
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class News:
    """An event of a kind, and its place in the order of storing."""

    kind: Kind
    seq: int
    event: str


def newest(connection: Connection) -> dict[Kind, int]:
    """The place that each kind has come to."""
    return {kind: connection.execute(select(func.max(table.c.seq))).scalar() or 0 for kind, table in TABLES.items()}


def after(connection: Connection, places: Mapping[Kind, int], kinds: Sequence[Kind]) -> list[News]:
    """The next events of these kinds, of each at most ``AT_ONCE``, in their order."""
    found: list[News] = []
    for kind in kinds:
        columns = TABLES[kind].c
        wanted = (
            select(columns.seq, columns.event).where(columns.seq > places[kind]).order_by(columns.seq).limit(AT_ONCE)
        )
        found += [News(kind, row.seq, row.event) for row in connection.execute(wanted)]
    return found
