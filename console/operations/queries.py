"""Windows of an operation in the store, added up."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec
from pydantic import Field
from sqlalchemy import ColumnElement, Connection, Row, func, select

from tracehound.console.executions.measures import DURATION
from tracehound.console.executions.sketch import RELATIVE_ERROR
from tracehound.console.executions.stored_windows import US, numbers_of
from tracehound.console.executions.windows import DAY_S, MINUTE_S, WIDTHS_S, Numbers, Window
from tracehound.console.operations.distribution import (
    Distribution,
    HistogramBucket,
    Operation,
    OverTime,
    Quantile,
    Stretch,
)
from tracehound.console.store.tables import operation_numbers, operation_windows, operations
from tracehound.console.web.asked import MomentUs, Name, Page, Query
from tracehound.console.web.cells import of_item
from tracehound.console.web.lists import List
from tracehound.console.web.times import moment

MOST_STRETCHES: Final = 500
_USUAL_STRETCHES = 120
USUAL_SHARES: Final = (0.5, 0.75, 0.9, 0.95, 0.99)
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class OperationsAsked(Page):
    """Which operations."""

    application: Name | None = None
    environment: Name | None = None


class OfOperation(Query):
    """Which number of which operation's executions, and of when."""

    application: Name
    operation: Name
    environment: Name = ""
    name: Annotated[Name, Field(description="duration_ms, result, cpu_ms, memory_peak_mb, or attributes.NAME")] = (
        DURATION
    )
    p: Annotated[
        list[Share],
        Field(
            min_length=1,
            max_length=100,
            default_factory=lambda: [*USUAL_SHARES],
            description="Shares of executions, for quantiles; repeatable. Without it 0.5, 0.75, 0.9, 0.95 and 0.99.",
        ),
    ]
    since: Annotated[
        MomentUs | None, Field(description="Windows that reach beyond it; without it, the newest day that is kept.")
    ] = None
    until: Annotated[MomentUs | None, Field(description="Windows that begin before it.")] = None


class DistributionAsked(OfOperation):
    """The same as a whole."""

    buckets: Annotated[int, Field(ge=0, le=500, description="Buckets of the histogram, about.")] = 50


class OverTimeAsked(OfOperation):
    """The same over time."""

    step_s: Annotated[
        int | None,
        Field(ge=MINUTE_S, le=100 * DAY_S, description="Seconds of a stretch; at most 500 of them are told."),
    ] = None


def operations_asked(asked: OperationsAsked) -> List:
    """The list of those that are asked for."""
    columns = operations.c
    statement = select(columns.application, columns.environment, columns.operation, columns.seq)
    if asked.application is not None:
        statement = statement.where(columns.application == asked.application)
    if asked.environment is not None:
        statement = statement.where(columns.environment == asked.environment)
    return List(statement, (columns.seq,), False, _CELLS, _item)


def _item(row: Row[Any]) -> str:
    return msgspec.json.encode(Operation(row.application, row.environment, row.operation)).decode()


_CELLS = of_item(("application", "environment", "operation"))


@dataclass(slots=True)
class _Kept:
    """What is kept of an operation in one window: its place, and what it holds, of one number alone."""

    start_us: int
    width_s: int
    window: Window = field(default_factory=Window)

    @property
    def end_us(self) -> int:
        return self.start_us + self.width_s * US


def distribution(connection: Connection, asked: DistributionAsked) -> Distribution | None:
    """What is asked for; None where there is no such operation."""
    seq = _seq(connection, asked)
    if seq is None:
        return None
    kept = list(_windows(connection, seq, asked))
    whole = _sum(kept)
    numbers = whole.numbers.get(asked.name)
    return Distribution(
        *(asked.application, asked.environment, asked.operation, asked.name),
        since=moment(min((one.start_us for one in kept), default=None)),
        until=moment(max((one.end_us for one in kept), default=None)),
        executions=whole.count,
        errors=whole.errors,
        results=whole.results,
        names=_names(connection, seq, kept),
        count=numbers.sketch.count if numbers else 0,
        mean=numbers.total / numbers.sketch.count if numbers else None,
        low=numbers.low if numbers else None,
        high=numbers.high if numbers else None,
        relative_error=RELATIVE_ERROR,
        quantiles=[Quantile(*pair) for pair in zip(asked.p, _quantiles(numbers, asked.p), strict=False)],
        histogram=_histogram(numbers, asked.buckets),
    )


def over_time(connection: Connection, asked: OverTimeAsked) -> OverTime | None:
    """What is asked for; None where there is no such operation."""
    seq = _seq(connection, asked)
    if seq is None:
        return None
    kept = list(_windows(connection, seq, asked))
    step_s = _step_s(kept, asked.step_s)
    groups: dict[tuple[int, int], list[_Kept]] = {}
    for one in kept:
        width_s = max(step_s, one.width_s)
        groups.setdefault((one.start_us // (width_s * US) * width_s * US, width_s), []).append(one)
    stretches = [_stretch(place, _sum(groups[place]), asked) for place in sorted(groups)]
    named = (asked.application, asked.environment, asked.operation, asked.name)
    return OverTime(*named, RELATIVE_ERROR, step_s, list(asked.p), stretches[-MOST_STRETCHES:])


def _stretch(place: tuple[int, int], window: Window, asked: OverTimeAsked) -> Stretch:
    numbers = window.numbers.get(asked.name)
    start = moment(place[0])
    return Stretch(
        *(start, place[1], window.count, window.errors, numbers.sketch.count if numbers else 0),
        mean=numbers.total / numbers.sketch.count if numbers else None,
        low=numbers.low if numbers else None,
        high=numbers.high if numbers else None,
        values=_quantiles(numbers, asked.p),
    )


def _step_s(kept: Sequence[_Kept], asked_s: int | None) -> int:
    """So many seconds that there are about as many stretches as a person looks at."""
    if asked_s is not None:
        return asked_s // MINUTE_S * MINUTE_S
    covered_s = (max(one.end_us for one in kept) - min(one.start_us for one in kept)) // US if kept else 0
    steps = (60, 300, 900, *WIDTHS_S[1:])
    return next((step for step in steps if covered_s <= step * _USUAL_STRETCHES), DAY_S)


def _seq(connection: Connection, asked: OfOperation) -> int | None:
    columns = operations.c
    found = connection.execute(
        select(columns.seq).where(
            columns.application == asked.application,
            columns.environment == asked.environment,
            columns.operation == asked.operation,
        )
    )
    seq: int | None = found.scalar()
    return seq


def _within(connection: Connection, seq: int, asked: OfOperation, table: Any) -> list[ColumnElement[bool]]:
    since_us = asked.since
    if since_us is None:
        newest = connection.execute(select(func.max(operation_windows.c.start_us)).where(_is(operation_windows, seq)))
        since_us = (newest.scalar() or 0) - DAY_S * US
    conditions = [_is(table, seq), table.c.start_us + table.c.width_s * US > since_us]
    if asked.until is not None:
        conditions.append(table.c.start_us < asked.until)
    return conditions


def _is(table: Any, seq: int) -> ColumnElement[bool]:
    matches: ColumnElement[bool] = table.c.operation_seq == seq
    return matches


def _windows(connection: Connection, seq: int, asked: OfOperation) -> Iterable[_Kept]:
    """The windows that are asked for, with the one number that is."""
    table, found = operation_windows, {}
    conditions = _within(connection, seq, asked, table)
    for row in connection.execute(select(table).where(*conditions)).mappings():
        window = Window(row["count"], row["errors"], json.loads(row["results"]))
        found[row["start_us"], row["width_s"]] = _Kept(row["start_us"], row["width_s"], window)
    table = operation_numbers
    conditions = [*_within(connection, seq, asked, table), table.c.name == asked.name]
    for row in connection.execute(select(table).where(*conditions)).mappings():
        numbers, kept = numbers_of(row), found.get((row["start_us"], row["width_s"]))
        if numbers is not None and kept is not None:
            kept.window.numbers[asked.name] = numbers
    return found.values()


def _sum(kept: Iterable[_Kept]) -> Window:
    whole = Window()
    for one in kept:
        whole.merge(one.window)
    return whole


def _names(connection: Connection, seq: int, kept: Sequence[_Kept]) -> list[str]:
    if not kept:
        return []
    first_us, last_us = min(one.start_us for one in kept), max(one.start_us for one in kept)
    table = operation_numbers.c
    at = (table.operation_seq == seq, table.start_us.between(first_us, last_us))
    return sorted(connection.execute(select(table.name).where(*at).distinct().limit(200)).scalars())


def _quantiles(numbers: Numbers | None, shares: Sequence[float]) -> list[float]:
    return numbers.quantiles(shares) if numbers else []


def _histogram(numbers: Numbers | None, most: int) -> list[HistogramBucket]:
    if numbers is None or most == 0:
        return []
    return [HistogramBucket(one.above, one.to, one.count) for one in numbers.sketch.histogram(most)]
