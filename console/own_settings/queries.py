"""Settings of applications in the store, and what workers said of each version."""

from functools import partial
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, func, select

from tracehound.console.store.engine import Store
from tracehound.console.store.tables import application_settings, applications, model_events
from tracehound.console.web.asked import MomentUs, Name, Page
from tracehound.console.web.cells import of_item
from tracehound.console.web.filters import equal, within
from tracehound.console.web.lists import List
from tracehound.console.web.times import moment
from tracehound.schemas.application_settings import ApplicationSettings
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_event import ModelEvent

State = Literal["sent", "in_force", "refused", "replaced"]
_MOST_EVENTS: Final = 100
_said = msgspec.json.Decoder(ApplicationSettings).decode
_event = msgspec.json.Decoder(ModelEvent).decode


class VersionOfSettings(msgspec.Struct):
    """Settings of detection that an application has, or had, of its own; all others are as the workers have them.

    ``sent``: its worker has not said yet that it judges by them; ``refused``: it cannot, ``sentence`` says why, and
    judges by the settings of the workers; ``replaced``: there is a later version.
    """

    at: str
    application: str
    environment: str
    version: int
    settings: dict[str, float]
    by: str
    why: str
    state: State
    sentence: str


class SettingsAsked(Page):
    """Whose settings; ``current``: only the newest version of each application."""

    application: Name | None = None
    environment: Name | None = None
    since: MomentUs | None = None
    until: MomentUs | None = None
    current: bool = False


def settings_asked(asked: SettingsAsked, store: Store) -> List:
    """The list of those that are asked for, the newest first."""
    columns = application_settings.c
    newest = select(func.max(columns.seq)).group_by(columns.application, columns.environment)
    statement = select(columns.event, columns.time_us, columns.seq).where(
        *equal(columns.application, asked.application),
        *equal(columns.environment, asked.environment),
        *within(columns.time_us, asked.since, asked.until),
        *([columns.seq.in_(newest)] if asked.current else []),
    )
    return List(statement, (columns.time_us, columns.seq), True, _CELLS, partial(_item, store))


_CELLS = of_item(VersionOfSettings.__struct_fields__)


def _item(store: Store, row: Row[Any]) -> str:
    said = _said(row.event)
    with store.read() as connection:
        newest = newest_of(connection, said.key)
        state, sentence = _state_of(connection, said) if newest == said else ("replaced", "")
    return msgspec.json.encode(told(said, row.time_us, state, sentence)).decode()


def told(said: ApplicationSettings, time_us: int, state: State = "sent", sentence: str = "") -> VersionOfSettings:
    """What is told of a version."""
    return VersionOfSettings(
        moment(time_us), *said.key, said.version, said.settings, said.by, said.why, state, sentence
    )


def _state_of(connection: Connection, said: ApplicationSettings) -> tuple[State, str]:
    columns = model_events.c
    wanted = (
        select(columns.event)
        .where(
            columns.application == said.application,
            columns.environment == said.environment,
            columns.change.in_(("settings_changed", "settings_refused")),
        )
        .order_by(columns.time_us.desc(), columns.seq.desc())
        .limit(_MOST_EVENTS)
    )
    for event in map(_event, connection.execute(wanted).scalars()):
        data = event.data
        if data.settings_version == said.version and (data.settings == said.settings or data.change[9:] == "refused"):
            return ("in_force" if data.change == "settings_changed" else "refused"), data.sentence
    return "sent", ""


def newest_of(connection: Connection, key: ApplicationKey, version: int | None = None) -> ApplicationSettings | None:
    """The newest settings of an application, or those of a version; None: it never had any of its own."""
    columns = application_settings.c
    wanted = select(columns.event).where(
        columns.application == key[0], columns.environment == key[1], *equal(columns.version, version)
    )
    event = connection.execute(wanted.order_by(columns.seq.desc()).limit(1)).scalar()
    return None if event is None else _said(event)


def is_known(connection: Connection, key: ApplicationKey) -> bool:
    """Whether anything of an application was scored."""
    columns = applications.c
    wanted = select(columns.application).where(columns.application == key[0], columns.environment == key[1])
    return connection.execute(wanted).first() is not None


def versions_of(store: Store, key: ApplicationKey, most: int) -> list[VersionOfSettings]:
    """The versions of an application's settings, the newest first."""
    wanted = settings_asked(SettingsAsked(application=key[0], environment=key[1]), store)
    with store.read() as connection:
        rows = wanted.rows(connection, None, most)
    return [msgspec.json.decode(wanted.item(row), type=VersionOfSettings) for row in rows]
