"""The operations of an application in the last hour that is shown: how many executions, and where durations lie."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from tracehound.console.applications.look import HOUR_S, ApplicationLook
from tracehound.console.applications.queries import Key
from tracehound.console.executions.measures import DURATION
from tracehound.console.executions.sketch import Bucket
from tracehound.console.executions.stored_windows import numbers_of
from tracehound.console.executions.windows import Numbers
from tracehound.console.store.tables import operation_numbers, operation_windows, operations
from tracehound.console.web.charts import bars, spread
from tracehound.console.web.series import US, Span

MOST: Final = 25
_BUCKETS: Final = 200
_BARS: Final = 32
_SHARES: Final = (0.5, 0.95, 0.99)
WIDTH, HEIGHT = 160, 24


@dataclass(frozen=True, slots=True)
class OperationShown:
    """An operation: executions, quantiles of their durations in ms, and a path of where these lie."""

    operation: str
    executions: int
    per_second: float
    error_share: float
    quantiles: Sequence[float]
    path: str


@dataclass(frozen=True, slots=True)
class OperationsShown:
    """Some of ``count`` operations; the same durations, from ``low_ms`` to ``high_ms``, are below each other."""

    items: Sequence[OperationShown]
    count: int
    low_ms: float
    high_ms: float


def operations_shown(connection: Connection, key: Key, look: ApplicationLook, span: Span) -> OperationsShown:
    """Those that are looked for, in the order that is, of the last hour of a span."""
    rows = _rows(connection, key, look, span)
    numbers = _numbers(connection, [row.seq for row in rows[:MOST]], span)
    buckets = {seq: one.sketch.histogram(_BUCKETS) for seq, one in numbers.items()}
    edges = [edge for some in buckets.values() for one in some for edge in (one.above, one.to) if edge > 0]
    low, high = min(edges, default=0.0), max(edges, default=0.0)
    items = [_shown(row, numbers.get(row.seq), buckets.get(row.seq, []), (low, high)) for row in rows[:MOST]]
    return OperationsShown(items, len(rows), low, high)


def _shown(
    row: Row[Any], numbers: Numbers | None, buckets: Sequence[Bucket], edges: tuple[float, float]
) -> OperationShown:
    executions, errors = int(row.executions), int(row.errors)
    return OperationShown(
        row.operation,
        executions,
        executions / HOUR_S,
        errors / executions if executions else 0.0,
        numbers.quantiles(_SHARES) if numbers else (),
        _path(buckets, *edges),
    )


def _path(buckets: Sequence[Bucket], low: float, high: float) -> str:
    """How often durations lie where, on a logarithmic scale; those at 0 are left out."""
    if high <= low:
        return ""
    scale = _BARS / math.log(high / low)
    heights = [0.0] * _BARS
    for one in buckets:
        if one.to > one.above > 0:
            spread(heights, scale * math.log(one.above / low), scale * math.log(one.to / low), one.count)
    return bars(heights, WIDTH, HEIGHT)


def _last_hour(table: Any, span: Span) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    until_us = span.until_s * US
    return table.c.start_us + table.c.width_s * US > until_us - HOUR_S * US, table.c.start_us < until_us


def _rows(connection: Connection, key: Key, look: ApplicationLook, span: Span) -> Sequence[Row[Any]]:
    named, windows, numbers = operations.c, operation_windows.c, operation_numbers.c
    time = func.coalesce(func.sum(numbers.total), 0.0)
    executions, errors = func.sum(windows["count"]), func.sum(windows.errors)
    by: Mapping[str, ColumnElement[Any]] = {"executions": executions, "errors": errors, "time": time}
    of_durations = (
        (numbers.operation_seq == windows.operation_seq)
        & (numbers.width_s == windows.width_s)
        & (numbers.start_us == windows.start_us)
        & (numbers.name == DURATION)
    )
    wanted: Select[Any] = (
        select(named.seq, named.operation, executions.label("executions"), errors.label("errors"))
        .join(operation_windows, windows.operation_seq == named.seq)
        .outerjoin(operation_numbers, of_durations)
        .where(named.application == key[0], named.environment == key[1], *_last_hour(operation_windows, span))
        .group_by(named.seq, named.operation)
        .order_by(by[look.sort].desc(), named.operation)
    )
    if look.find:
        wanted = wanted.where(named.operation.icontains(look.find, autoescape=True))
    return connection.execute(wanted).all()


def _numbers(connection: Connection, seqs: Sequence[int], span: Span) -> dict[int, Numbers]:
    columns = operation_numbers.c
    wanted = select(operation_numbers).where(
        columns.operation_seq.in_(seqs), columns.name == DURATION, *_last_hour(operation_numbers, span)
    )
    found: dict[int, Numbers] = {}
    for row in connection.execute(wanted).mappings():
        numbers = numbers_of(row)
        if numbers is not None:
            found.setdefault(row["operation_seq"], Numbers()).merge(numbers)
    return found
