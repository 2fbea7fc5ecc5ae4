"""Small charts of applications: traffic, errors and durations of the last hours, in steps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, select

from tracehound.console.store.tables import application_minutes, application_progress

Key = tuple[str, str]
"""Application and environment."""
STEPS: Final = 36


@dataclass(frozen=True, slots=True)
class Scale:
    """How long the steps of small charts are: ``title`` is what all of them span, ``lately`` the last few of them."""

    title: str
    step_s: int
    lately: str
    last: int


_US: Final = 1_000_000
_LONG, _SHORT = Scale("3 hours", 300, "15 minutes", 3), Scale("36 minutes", 60, "5 minutes", 5)
_YOUNG_US: Final = 3_600 * _US


@dataclass(frozen=True, slots=True)
class Signals:
    """Of each step executions, those that failed, and how long they took in sum; None where nothing is known of it.

    ``timed`` are the executions whose durations are known: as many, where they are kept.
    """

    scale: Scale
    executions: list[float | None] = field(default_factory=lambda: [None] * STEPS)
    errors: list[float] = field(default_factory=lambda: [0.0] * STEPS)
    scored: list[float] = field(default_factory=lambda: [0.0] * STEPS)
    timed: list[float] = field(default_factory=lambda: [0.0] * STEPS)
    total_ms: list[float] = field(default_factory=lambda: [0.0] * STEPS)

    @property
    def rates(self) -> list[float | None]:
        """Executions a second."""
        return [None if count is None else count / self.scale.step_s for count in self.executions]

    @property
    def shares(self) -> list[float | None]:
        """The share that failed; None where there was none."""
        return [
            min(1.0, failed / count) if count else None for failed, count in zip(self.errors, self.scored, strict=True)
        ]

    @property
    def durations(self) -> list[float | None]:
        """The mean duration in milliseconds; None where none is known."""
        return [total / count if count else None for total, count in zip(self.total_ms, self.timed, strict=True)]

    @property
    def rate(self) -> float | None:
        """Executions a second lately."""
        known = [rate for rate in self.rates[-self.scale.last :] if rate is not None]
        return sum(known) / len(known) if known else None

    @property
    def share(self) -> float | None:
        """The share that failed lately."""
        return _ratio(self.errors[-self.scale.last :], self.scored[-self.scale.last :])

    @property
    def duration_ms(self) -> float | None:
        """The mean duration lately."""
        return _ratio(self.total_ms[-self.scale.last :], self.timed[-self.scale.last :])


def _ratio(parts: Sequence[float], counts: Sequence[float]) -> float | None:
    return sum(parts) / sum(counts) if sum(counts) else None


def scale_of(first_us: int, until_us: int) -> Scale:
    """The scale for applications that are known from ``first_us`` on: a fine one, where that is not long ago."""
    return _SHORT if until_us - first_us < _YOUNG_US else _LONG


def signals(connection: Connection, found: Sequence[Row[Any]], scale: Scale, until_us: int) -> Mapping[Key, Signals]:
    """Traffic, errors and durations of applications in steps up to ``until_us`` of event time.

    A step that is not over is left out: it would look like a fall. Traffic is counted by when executions began where
    they are kept, else by what was scored meanwhile.
    """
    step_us = scale.step_s * _US
    end_us = max(until_us // step_us * step_us, step_us)
    begin_us = end_us - STEPS * step_us
    made = {(row.application, row.environment): Signals(scale) for row in found}

    def minutes(table: Table) -> Iterator[tuple[int, Signals | None, Any]]:
        """Rows of a table by minute: the step of each, and whose it is where it is shown."""
        columns = table.c
        wanted = select(table).where(columns.application.in_({name for name, _ in made}), columns.minute_us >= begin_us)
        for row in connection.execute(wanted):
            step = (row.minute_us - begin_us) // step_us
            yield step, made.get((row.application, row.environment)) if step < STEPS else None, row

    for step, own, row in minutes(application_progress):
        if own:
            own.scored[step] += row.executions
            own.errors[step] += row.errors
    kept_through = -1  # the last step of which anything is kept, also one that is not over
    for step, own, row in minutes(application_minutes):
        kept_through = max(kept_through, step)
        if own:
            own.timed[step] += row.count
            own.total_ms[step] += row.total_ms
    for row in found:
        own = made[row.application, row.environment]
        _add_traffic(own, (row.first_seen_us - begin_us) // step_us, kept_through)
    return made


def _add_traffic(own: Signals, known: int, kept_through: int) -> None:
    """Of each step from ``known`` on.

    Steps before ``kept_through`` are kept whole. From there on nothing is said where more may be kept any moment, for
    it would look like a fall; where nothing was kept for long, what is scored counts.
    """
    kept = [step for step, count in enumerate(own.timed) if count]
    soon = STEPS - kept_through < own.scale.last
    for step in range(max(0, min([known, *kept[:1]])), STEPS):
        if kept and step < kept_through:
            own.executions[step] = own.timed[step]
        elif not (kept and soon):
            own.executions[step] = own.scored[step]
