"""Golden signals of an application or of one of its operations over time, each with where it usually lies."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from tracehound.console.applications.queries import Key, progress
from tracehound.console.executions.measures import DURATION
from tracehound.console.operations.queries import OverTimeAsked, over_time
from tracehound.console.store.tables import operation_numbers, operations
from tracehound.console.web.series import US, Line, Series, Span
from tracehound.console.web.typical import DAY_S, typical_ranges
from tracehound.schemas.execution import epoch_seconds

_HISTORY_S: Final = 7 * DAY_S
_FINE_S: Final = 300
"""With shorter steps than that, a day before is looked at, not a week."""
Values = list[float | None]


def signals_of_application(connection: Connection, row: Row[Any], span: Span) -> list[Series]:
    """Traffic, errors, durations and what was unusual of an application, which is a row of ``applications``."""
    whole, key = _with_history(span), (row.application, row.environment)
    points = progress(connection, key, whole.bounds_us, span.step_s * US)
    found = {whole.place(int(one.start_us)): one for one in points}
    known = whole.place(row.first_seen_us), whole.place(row.scored_through_us)
    traffic, errors, unusual = _no_values(whole), _no_values(whole), _no_values(whole)
    for place in range(max(0, known[0]), min(whole.steps, known[1] + 1)):
        point = found.get(place)
        traffic[place] = int(point.executions) / span.step_s if point else 0.0
        unusual[place] = float(point.anomalies) if point else 0.0
        if point and point.executions:
            errors[place] = int(point.errors) / int(point.executions)
    durations = _mean_durations(connection, key, whole)
    anomalies = Series("anomalies", "Anomalies", "", span, [Line("Anomalies", unusual[-span.steps :])])
    return [
        _series("traffic", "Executions a second", "", span, [Line("A second", traffic)]),
        _series("errors", "Share that failed", "share", span, [Line("Failed", errors)]),
        _series("duration", "Mean duration", "ms", span, [Line("Mean", durations)]),
        anomalies,
    ]


def signals_of_operation(connection: Connection, key: Key, operation: str, span: Span) -> list[Series]:
    """Traffic, errors and durations of an operation; none where nothing is kept of it."""
    whole = _with_history(span)
    since_us, until_us = whole.bounds_us
    asked = OverTimeAsked.model_construct(
        application=key[0],
        environment=key[1],
        operation=operation,
        name=DURATION,
        p=[0.5, 0.95],
        since=since_us,
        until=until_us,
        step_s=span.step_s,
    )
    told = over_time(connection, asked)
    if told is None:
        return []
    traffic, errors, median, high = (_no_values(whole) for _ in range(4))
    for one in told.stretches:
        start_s = round(epoch_seconds(one.start))
        for place in _places(whole, start_s, one.width_s):
            traffic[place] = one.executions / one.width_s
            errors[place] = one.errors / one.executions if one.executions else None
            if one.values:
                median[place], high[place] = one.values
    first = next((place for place, value in enumerate(traffic) if value is not None), whole.steps)
    traffic[first:] = [value or 0.0 for value in traffic[first:]]
    lines = [Line("Median", median), Line("95 % are below", high)]
    return [
        _series("traffic", "Executions a second", "", span, [Line("A second", traffic)]),
        _series("errors", "Share that failed", "share", span, [Line("Failed", errors)]),
        _series("duration", "Duration: the median and, dashed, what 95 % are below", "ms", span, lines),
    ]


def _with_history(span: Span) -> Span:
    return span.longer(_HISTORY_S if span.step_s >= _FINE_S else DAY_S)


def _no_values(span: Span) -> Values:
    return [None] * span.steps


def _series(identity: str, title: str, unit: str, span: Span, lines: Sequence[Line]) -> Series:
    """Of lines with their history."""
    band = typical_ranges(lines[0].values, span.steps, span.step_s)
    shown = [Line(line.name, line.values[-span.steps :]) for line in lines]
    return Series(identity, title, unit, span, shown, band)


def _places(span: Span, start_s: int, width_s: int) -> Iterable[int]:
    """The steps that a window covers; one that is longer than a step covers several."""
    first = (start_s - span.since_s) // span.step_s
    return range(max(0, first), min(span.steps, first + max(1, width_s // span.step_s)))


def _mean_durations(connection: Connection, key: Key, span: Span) -> Values:
    named, numbers = operations.c, operation_numbers.c
    since_us, until_us = span.bounds_us
    wanted = (
        select(
            *(numbers.start_us, numbers.width_s),
            func.sum(numbers.total).label("total"),
            func.sum(numbers["count"]).label("numbers"),
        )
        .join(operations, named.seq == numbers.operation_seq)
        .where(named.application == key[0], named.environment == key[1], numbers.name == DURATION)
        .where(numbers.start_us >= since_us, numbers.start_us < until_us)
        .group_by(numbers.start_us, numbers.width_s)
    )
    totals, counts = [0.0] * span.steps, [0.0] * span.steps
    for row in connection.execute(wanted):
        for place in _places(span, int(row.start_us) // US, int(row.width_s)):
            totals[place] += float(row.total)
            counts[place] += int(row.numbers)
    return [total / count if count else None for total, count in zip(totals, counts, strict=True)]
