"""Templates of messages over a stretch of time: how often each came, against before, which are new, and which burst."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from pydantic import Field
from sqlalchemy import ColumnElement, Connection, Row, func, select, tuple_

from tracehound.console.store.tables import anomalies, scored_logs
from tracehound.console.web.asked import MomentUs, Name, Query
from tracehound.console.web.times import moment
from tracehound.schemas.log_levels import Level
from tracehound.schemas.scored_log import ScoredLogEvent

MOST_TEMPLATES = 500
_DAY_US = 86_400_000_000
_decode = msgspec.json.Decoder(ScoredLogEvent).decode
Key = tuple[str, str]
"""An application, and the number of a template within it; or the name by which it is scored, and the template."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time in microseconds since the epoch, its end excluded."""

    since_us: int
    until_us: int

    @property
    def before(self) -> "Stretch":
        """As long a stretch just before."""
        return Stretch(2 * self.since_us - self.until_us, self.since_us)

    @property
    def since(self) -> str:
        """Its begin in RFC 3339."""
        return moment(self.since_us)

    @property
    def until(self) -> str:
        """Its end in RFC 3339."""
        return moment(self.until_us)


class TemplatesAsked(Query):
    """Of which application, and of which stretch of time."""

    application: Name | None = None
    since: Annotated[MomentUs | None, Field(description="At that time or later; a day before the end.")] = None
    until: Annotated[MomentUs | None, Field(description="Before that time; now.")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_TEMPLATES, description="The most frequent ones.")] = 50

    def stretch(self, now_s: float) -> Stretch:
        """The stretch that is meant at a time in epoch seconds; an empty one where it ends before it begins."""
        until = round(now_s * 1e6) if self.until is None else self.until
        since = until - _DAY_US if self.since is None else self.since
        return Stretch(min(since, until), until)


class Template(msgspec.Struct, frozen=True):
    """A template that log events of a stretch of time have.

    ``count`` is how many had it, ``count_before`` how many in a stretch as long just before. ``new`` says that its
    first event ever lies within. ``bursts`` are the ids of the anomalies that were told of how often it came.
    ``first_at`` and ``last_at`` (RFC 3339) are its first and newest event that are kept, ``last_id`` is the newest.
    """

    application: str
    template_id: str
    template: str
    level: Level
    count: int
    count_before: int
    new: bool
    first_at: str
    last_at: str
    last_id: str
    bursts: Sequence[str] = ()


def find_templates(
    connection: Connection, stretch: Stretch, application: str | None, suffix: str, limit: int
) -> list[Template]:
    """The templates of a stretch of time, the most frequent first, at most ``limit`` of them.

    Parameters:
        application: whose; None for all.
        suffix: what is behind an application's name where its log events are scored.
    """
    columns = scored_logs.c
    key = (columns.application, columns.template_id)
    of_application = [] if application is None else [columns.application == application]
    counted = (
        select(*key, func.count().label("came"), func.max(columns.seq).label("seq"))
        .where(*_within(stretch), *of_application)
        .group_by(*key)
        .order_by(func.count().desc(), *key)
        .limit(limit)
    )
    found = {(row.application, row.template_id): row for row in connection.execute(counted)}
    if not found:
        return []
    among = tuple_(*key).in_(list(found))
    counted_before = select(*key, func.count()).where(*_within(stretch.before), among).group_by(*key)
    before = {(name, number): came for name, number, came in connection.execute(counted_before)}
    oldest = select(*key, func.min(columns.seq)).where(among).group_by(*key)
    first = {(name, number): seq for name, number, seq in connection.execute(oldest)}
    events = _events(connection, {row.seq for row in found.values()} | set(first.values()))
    bursts = _bursts(connection, stretch, {name + suffix for name, _ in found})
    told = []
    for place, row in found.items():
        of_template = bursts.get((row.application + suffix, events[row.seq][1].data.template), ())
        told.append(_template(row, before.get(place, 0), events[first[place]], events[row.seq], stretch, of_template))
    return told


def _within(stretch: Stretch) -> list[ColumnElement[bool]]:
    return [scored_logs.c.time_us >= stretch.since_us, scored_logs.c.time_us < stretch.until_us]


def _events(connection: Connection, places: Iterable[int]) -> dict[int, tuple[int, ScoredLogEvent]]:
    rows = connection.execute(
        select(scored_logs.c.seq, scored_logs.c.time_us, scored_logs.c.event).where(scored_logs.c.seq.in_(places))
    )
    return {seq: (time_us, _decode(event)) for seq, time_us, event in rows}


def _bursts(connection: Connection, stretch: Stretch, scored: Iterable[str]) -> dict[Key, list[str]]:
    """The anomalies of traffic by application and operation, which is the template."""
    columns = anomalies.c
    rows = connection.execute(
        select(columns.id, columns.application, columns.operation)
        .where(columns.kind == "traffic", columns.operation != "", columns.application.in_(scored))
        .where(columns.time_us >= stretch.since_us, columns.time_us < stretch.until_us)
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
    stretch: Stretch,
    bursts: Sequence[str],
) -> Template:
    (first_us, begun), (last_us, newest) = first, last
    return Template(
        application=row.application,
        template_id=row.template_id,
        template=newest.data.template,
        level=newest.data.level,
        count=row.came,
        count_before=count_before,
        new=begun.data.template_count == 1 and first_us >= stretch.since_us,
        first_at=moment(first_us),
        last_at=moment(last_us),
        last_id=newest.id,
        bursts=bursts,
    )
