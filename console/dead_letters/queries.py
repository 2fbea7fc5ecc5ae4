"""Dead letters in the store."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection, Row, select

from tracehound.console.dead_letters.told import letter_told
from tracehound.console.store.tables import dead_letters
from tracehound.console.web.asked import MomentUs, Name, Page
from tracehound.console.web.cells import of_item
from tracehound.console.web.filters import equal, within
from tracehound.console.web.lists import List


class DeadLettersAsked(Page):
    """Which dead letters."""

    source_topic: Name | None = None
    stage: Name | None = None
    error: Annotated[Name | None, Field(description="Class of the error, such as InvalidJson.")] = None
    since: Annotated[MomentUs | None, Field(description="Refused at that time or later.")] = None
    until: Annotated[MomentUs | None, Field(description="Refused before that time.")] = None


def dead_letters_asked(asked: DeadLettersAsked) -> List:
    """The list of those that are asked for, the newest first, without their bytes."""
    columns = dead_letters.c
    told = [column for column in columns if column.name not in ("value", "headers")]
    statement = select(*told, columns.time_us.label("by_time"), columns.seq.label("by_seq")).where(
        *equal(columns.source_topic, asked.source_topic),
        *equal(columns.stage, asked.stage),
        *equal(columns.error, asked.error),
        *within(columns.time_us, asked.since, asked.until),
    )
    return List(statement, (columns.time_us, columns.seq), True, _CELLS, letter_told)


_CELLS = of_item(
    (
        *("id", "time", "source_topic", "source_partition", "source_offset", "source_time"),
        *("stage", "error", "reason", "key_text", "bytes"),
    )
)


def letters(connection: Connection, identities: Sequence[str]) -> Sequence[Row[Any]]:
    """Dead letters whole, in the order of their refusal."""
    columns = dead_letters.c
    wanted = select(dead_letters).where(columns.id.in_(identities)).order_by(columns.time_us, columns.seq)
    return connection.execute(wanted).all()
