"""Maintenance windows in the store."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, select

from tracehound.console.store.tables import maintenance_windows
from tracehound.console.web.asked import Name, Page
from tracehound.console.web.cells import of_item
from tracehound.console.web.filters import equal
from tracehound.console.web.lists import List
from tracehound.schemas.feedback import ANYWHERE, Maintenance

_MOST: Final = 20
State = Literal["open", "announced", "over"]


class WindowsAsked(Page):
    """Which windows."""

    state: State | None = None
    application: Name | None = None
    environment: Name | None = None


def windows_asked(asked: WindowsAsked, now_us: int) -> List:
    """The list of those that are asked for, those first that begin last; what was withdrawn is not among them."""
    columns = maintenance_windows.c
    at = {
        "open": (columns.starts_at_us <= now_us, columns.ends_at_us > now_us),
        "announced": (columns.starts_at_us > now_us,),
        "over": (columns.ends_at_us <= now_us,),
        None: (),
    }[asked.state]
    statement = select(columns.event, columns.starts_at_us, columns.window_id).where(
        columns.withdrawn.is_(False),
        *at,
        *equal(columns.application, asked.application),
        *equal(columns.environment, asked.environment),
    )
    return List(statement, (columns.starts_at_us, columns.window_id), True, _CELLS)


_CELLS = of_item(("window_id", "starts_at", "ends_at"))


def window(connection: Connection, identity: str) -> Maintenance | None:
    """A window that was not withdrawn."""
    columns = maintenance_windows.c
    wanted = select(columns.event).where(columns.window_id == identity, columns.withdrawn.is_(False))
    event = connection.execute(wanted).scalar()
    return None if event is None else msgspec.json.decode(event, type=Maintenance)


def windows_over(
    connection: Connection, applications: Sequence[str], environment: str, now_us: int
) -> list[Maintenance]:
    """The windows, open or announced, in which nobody is told of these applications; at most ``_MOST``."""
    columns = maintenance_windows.c
    wanted = (
        select(columns.event)
        .where(
            columns.withdrawn.is_(False),
            columns.ends_at_us > now_us,
            columns.application.in_(["", *applications]),
            columns.environment.in_([ANYWHERE, environment]),
        )
        .order_by(columns.starts_at_us)
        .limit(_MOST)
    )
    return [msgspec.json.decode(event, type=Maintenance) for event in connection.execute(wanted).scalars()]
