"""What the overview shows, in a few statements however many applications there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, true

from tracehound.console.store.tables import (
    application_minutes,
    application_progress,
    applications,
    incident_applications,
    incidents,
    model_events,
    operation_windows,
)
from tracehound.schemas.model_event import ModelEventKind

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
_KNOWN_US: Final = 3_600_000_000
"""An operation is new to an application that is known for an hour; before that, all of them are."""
_LATELY: Final[tuple[ModelEventKind, ...]] = (
    "release",
    "new_normal",
    "level_changed",
    "sampling_changed",
    "drift",
    "loss",
)


def worst_first(connection: Connection, find: str, first: int, most: int) -> tuple[int, int, Sequence[Row[Any]]]:
    """How many applications there are, how many whose names hold ``find``, and of these those that are worst.

    Rows have ``rank``: 2 critical to 0 minor, −1 well. ``first`` of them are passed over, and at most ``most`` found.
    """
    part = incident_applications.c
    by_application = (
        select(
            *(part.application, incidents.c.environment),
            func.max(incidents.c.severity_rank).label("rank"),
            func.count().label("open"),
        )
        .join(incidents, incidents.c.incident_id == part.incident_id)
        .where(incidents.c.state != "resolved")
        .group_by(part.application, incidents.c.environment)
        .subquery()
    )
    rank = func.coalesce(by_application.c.rank, -1).label("rank")
    wanted = (
        select(applications, rank, func.coalesce(by_application.c.open, 0).label("open"))
        .outerjoin(
            by_application,
            (by_application.c.application == applications.c.application)
            & (by_application.c.environment == applications.c.environment),
        )
        .order_by(rank.desc(), applications.c.executions.desc(), applications.c.application, applications.c.environment)
        .offset(first)
        .limit(most)
    )
    named = applications.c.application.icontains(find, autoescape=True) if find else true()
    counted = select(func.count()).select_from(applications)
    count = connection.execute(counted).scalar_one()
    fitting = connection.execute(counted.where(named)).scalar_one() if find else count
    return count, fitting, connection.execute(wanted.where(named)).all()


def by_health(connection: Connection) -> Mapping[int, int]:
    """How many applications have open incidents, by their gravest severity (2 critical to 0 minor)."""
    part = incident_applications.c
    gravest = (
        select(func.max(incidents.c.severity_rank).label("rank"))
        .select_from(incident_applications)
        .join(incidents, incidents.c.incident_id == part.incident_id)
        .where(incidents.c.state != "resolved")
        .group_by(part.application, incidents.c.environment)
        .subquery()
    )
    counts = select(gravest.c.rank, func.count()).group_by(gravest.c.rank)
    return {row[0]: row[1] for row in connection.execute(counts)}


def open_by_severity(connection: Connection) -> Mapping[int, int]:
    """How many incidents are not over, by severity (2 critical to 0 minor)."""
    rank = incidents.c.severity_rank
    counts = select(rank, func.count()).where(incidents.c.state != "resolved").group_by(rank)
    return {row[0]: row[1] for row in connection.execute(counts)}


def open_incidents(connection: Connection, most: int) -> Sequence[Row[Any]]:
    """Incidents that are not over, the gravest first."""
    columns = incidents.c
    wanted = select(incidents).where(columns.state != "resolved")
    gravest = wanted.order_by(columns.severity_rank.desc(), columns.opened_at_us.desc())
    return connection.execute(gravest.limit(most)).all()


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
    kept_through = -1  # the last step of which anything is kept
    for table in (application_progress, application_minutes):
        columns = table.c
        wanted = select(table).where(columns.application.in_({name for name, _ in made}), columns.minute_us >= begin_us)
        for row in connection.execute(wanted):
            own = made.get((row.application, row.environment))
            step = (row.minute_us - begin_us) // step_us
            if table is application_minutes:
                kept_through = max(kept_through, step)
            if own is None or step >= STEPS:
                continue
            if table is application_progress:
                own.scored[step] += row.executions
                own.errors[step] += row.errors
            else:
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


def lately(connection: Connection, most: int) -> Sequence[Row[int, str, str, str, str, str]]:
    """Releases, drift, new normals and operations that came to applications known before, the newest first."""
    columns = model_events.c
    wanted = select(
        *(columns.time_us, columns.application, columns.environment, columns.change, columns.operation),
        columns.sentence,
    )
    newest = (columns.time_us.desc(), columns.seq.desc())
    changed = wanted.where(columns.change.in_(_LATELY)).order_by(*newest).limit(most)
    known = applications.c
    new = (
        wanted.join(
            applications, (known.application == columns.application) & (known.environment == columns.environment)
        )
        .where(
            columns.change == "warming",
            columns.operation != "",
            columns.time_us > known.first_seen_us + _KNOWN_US,
        )
        .order_by(*newest)
        .limit(most)
    )
    found = [*connection.execute(changed), *connection.execute(new)]
    return sorted(found, key=lambda row: -row.time_us)[:most]


def most_executions(connection: Connection) -> tuple[int, int]:
    """How many operations there are of which executions are kept, and how many executions the one with most has."""
    columns = operation_windows.c
    counts = select(func.sum(columns["count"]).label("count")).group_by(columns.operation_seq).subquery()
    row = connection.execute(select(func.count(), func.max(counts.c.count)).select_from(counts)).one()
    return row[0], int(row[1] or 0)


def is_anything_judged(connection: Connection) -> bool:
    """Whether the models of any operation are ready."""
    columns = model_events.c
    ready = select(columns.seq).where(columns.change == "ready", columns.operation != "").limit(1)
    return connection.execute(ready).first() is not None
