"""Templates of messages over a stretch of time: how often each came, against before, which are new, and which burst."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, func, select, tuple_

from tracehound.console.store.tables import anomalies, scored_logs
from tracehound.schemas.log_levels import Level
from tracehound.schemas.scored_log import ScoredLogEvent

_decode = msgspec.json.Decoder(ScoredLogEvent).decode
Key = tuple[str, str]
"""An application, and the number of a template within it."""


class Template(msgspec.Struct, frozen=True):
    """A template that log events of a stretch of time have.

    ``count`` is how many had it, ``count_before`` how many in a stretch as long just before. ``new`` says that its
    first event ever lies within. ``bursts`` are the ids of the anomalies that were told of how often it came.
    ``last_id`` is its newest event.
    """

    application: str
    template_id: str
    template: str
    level: Level
    count: int
    count_before: int
    new: bool
    first_at_us: int
    last_at_us: int
    last_id: str
    bursts: Sequence[str] = ()


def find_templates(
    connection: Connection, since_us: int, until_us: int, application: str, suffix: str, limit: int
) -> list[Template]:
    """The templates of a stretch of time, the most frequent first, at most ``limit`` of them.

    Parameters:
        since_us, until_us: the stretch, in microseconds since the epoch; the second is excluded.
        application: whose; empty for all.
        suffix: what is behind an application's name where its log events are scored.
    """
    columns = scored_logs.c
    key = (columns.application, columns.template_id)
    of_application = [columns.application == application] if application else []
    newest = (
        select(*key, func.count().label("count"), func.max(columns.seq).label("seq"))
        .where(*_within(since_us, until_us), *of_application)
        .group_by(*key)
        .order_by(func.count().desc(), *key)
        .limit(limit)
    )
    found = {(row.application, row.template_id): row for row in connection.execute(newest)}
    if not found:
        return []
    among = tuple_(*key).in_(list(found))
    before = select(*key, func.count()).where(*_within(2 * since_us - until_us, since_us), among).group_by(*key)
    counts_before = {(name, template): count for name, template, count in connection.execute(before)}
    first = {
        (name, template): seq
        for name, template, seq in connection.execute(select(*key, func.min(columns.seq)).where(among).group_by(*key))
    }
    events = _events(connection, {row.seq for row in found.values()} | set(first.values()))
    bursts = _bursts(connection, since_us, until_us, {name + suffix for name, _ in found})
    return [
        _template(
            *(row, counts_before.get(key, 0), events[first[key]], events[row.seq]),
            *(since_us, bursts.get((row.application + suffix, events[row.seq][1].data.template), ())),
        )
        for key, row in found.items()
    ]


def _within(since_us: int, until_us: int) -> list[ColumnElement[bool]]:
    return [scored_logs.c.time_us >= since_us, scored_logs.c.time_us < until_us]


def _events(connection: Connection, places: Iterable[int]) -> dict[int, tuple[int, ScoredLogEvent]]:
    rows = connection.execute(
        select(scored_logs.c.seq, scored_logs.c.time_us, scored_logs.c.event).where(scored_logs.c.seq.in_(places))
    )
    return {seq: (time_us, _decode(event)) for seq, time_us, event in rows}


def _bursts(connection: Connection, since_us: int, until_us: int, scored: Iterable[str]) -> dict[Key, list[str]]:
    """The anomalies of traffic by application and operation, which is the template."""
    columns = anomalies.c
    rows = connection.execute(
        select(columns.id, columns.application, columns.operation)
        .where(columns.kind == "traffic", columns.operation != "", columns.application.in_(scored))
        .where(columns.time_us >= since_us, columns.time_us < until_us)
        .order_by(columns.time_us, columns.seq)
    )
    found: dict[Key, list[str]] = {}
    for identifier, application, operation in rows:
        found.setdefault((application, operation), []).append(identifier)
    return found


def _template(
    row: Row[Any],
    count_before: int,
    first: tuple[int, ScoredLogEvent],
    last: tuple[int, ScoredLogEvent],
    since_us: int,
    bursts: Sequence[str],
) -> Template:
    (first_us, begun), (last_us, newest) = first, last
    return Template(
        application=row.application,
        template_id=row.template_id,
        template=newest.data.template,
        level=newest.data.level,
        count=row[2],
        count_before=count_before,
        new=begun.data.template_count == 1 and first_us >= since_us,
        first_at_us=first_us,
        last_at_us=last_us,
        last_id=newest.id,
        bursts=bursts,
    )
