"""Who changed what, in the store."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select

from tracehound.console.store.engine import Store
from tracehound.console.store.tables import audit
from tracehound.console.web.asked import MomentUs, Name, Page
from tracehound.console.web.cells import of_item
from tracehound.console.web.filters import equal, within
from tracehound.console.web.lists import List
from tracehound.console.web.roles import Means, Role, Visitor
from tracehound.console.web.times import moment


def note_change(
    store: Store, now_us: int, visitor: Visitor, asked: tuple[str, str], status: int, changed: Mapping[str, Any]
) -> None:
    """Keep that a visitor changed something; ``asked`` is the method and the path.

    Raises:
        StoreError: the store is away.
    """
    values = {
        "time_us": now_us,
        "by": visitor.name,
        "role": visitor.role,
        "means": visitor.means,
        "method": asked[0],
        "path": asked[1].replace("\x00", "/")[:1_000],
        "status": status,
        "detail": json.dumps(changed),
    }
    with store.write() as connection:
        connection.execute(insert(audit).values(**values))


class Change(msgspec.Struct):
    """A request that changed something. ``by`` is the beginning of a key, or what a proxy says; ``time`` RFC 3339."""

    time: str
    by: str
    role: Role
    means: Means
    method: str
    path: str
    status: int
    detail: dict[str, Any]


class AuditAsked(Page):
    """Whose changes, and when."""

    by: Name | None = None
    since: MomentUs | None = None
    until: MomentUs | None = None


def changes_asked(asked: AuditAsked) -> List:
    """The list of changes that are asked for, the newest first."""
    columns = audit.c
    statement = select(audit, columns.time_us.label("at"), columns.seq.label("place"))
    statement = statement.where(*equal(columns.by, asked.by), *within(columns.time_us, asked.since, asked.until))
    return List(statement, (columns.time_us, columns.seq), True, _CELLS, _item)


_CELLS = of_item(("time", "by", "role", "means", "method", "path", "status", "detail"))


def _item(row: Row[Any]) -> str:
    detail = json.loads(row.detail)
    change = Change(moment(row.time_us), row.by, row.role, row.means, row.method, row.path, row.status, detail)
    return msgspec.json.encode(change).decode()
