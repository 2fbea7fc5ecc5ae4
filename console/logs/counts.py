"""How many log events came over time, and how many of them are errors."""

import math
from typing import Any, Final

from sqlalchemy import Connection, Select, case, func, select

from tracehound.console.logs.queries import LogsAsked, conditions
from tracehound.console.logs.templates import Stretch
from tracehound.console.store.tables import scored_logs
from tracehound.console.web.series import US, Line, Series, Span
from tracehound.schemas.log_levels import LEVELS

_STEPS_S: Final = (1, 10, 60, 300, 600, 1_800, 3_600, 21_600, 86_400)
_MOST_STEPS: Final = 150


def newest_us(connection: Connection) -> int:
    """When the newest log event was, in microseconds; 0 where there is none."""
    return connection.execute(select(func.max(scored_logs.c.time_us))).scalar() or 0


def oldest_us(connection: Connection, stretch: Stretch) -> int:
    """When the oldest log event of a stretch was; its begin where there is none."""
    time_us = scored_logs.c.time_us
    wanted = select(func.min(time_us)).where(time_us >= stretch.since_us, time_us < stretch.until_us)
    return connection.execute(wanted).scalar() or stretch.since_us


def counts(connection: Connection, asked: LogsAsked, stretch: Stretch) -> Series:
    """Those that are asked for, in a stretch of time: all, and those whose level is error or above."""
    span = _span(stretch)
    columns = scored_logs.c
    start = columns.time_us - columns.time_us % (span.step_s * US)
    is_error = case((columns.level_rank >= LEVELS.index("error"), 1), else_=0)
    of_stretch = asked.model_copy(update={"since": stretch.since_us, "until": stretch.until_us})
    wanted: Select[Any] = (
        select(start.label("start_us"), func.count().label("came"), func.sum(is_error).label("errors"))
        .where(*conditions(of_stretch))
        .group_by(start)
    )
    came, errors = [0.0] * span.steps, [0.0] * span.steps
    for row in connection.execute(wanted):
        place = span.place(int(row.start_us))
        if 0 <= place < span.steps:
            came[place], errors[place] = float(row.came), float(row.errors)
    lines = [Line("Events", came), Line("Errors", errors)]
    return Series("logs", f"Events and, dashed, errors every {_words(span.step_s)}", "", span, lines)


def _span(stretch: Stretch) -> Span:
    """The steps that a stretch lies in."""
    length_s = (stretch.until_us - stretch.since_us) / US
    step_s = next((step for step in _STEPS_S if length_s <= step * _MOST_STEPS), _STEPS_S[-1])
    until_s = math.ceil(stretch.until_us / US / step_s) * step_s
    steps = min(max(1, until_s // step_s - stretch.since_us // US // step_s), 10 * _MOST_STEPS)
    return Span(until_s, step_s, steps)


def _words(step_s: int) -> str:
    """A length of time as people say it.

    >>> _words(1), _words(300), _words(3_600)
    ('second', '5 minutes', 'hour')
    """
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if step_s % unit == 0:
            return name if step_s == unit else f"{step_s // unit} {name}s"
    return f"{step_s} seconds"
