"""Verdicts in the store, and the anomalies that one is about."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection, select

from tracehound.console.incidents.members import MOST_ANOMALIES, anomalies_of
from tracehound.console.store.tables import anomalies, incidents, verdicts
from tracehound.console.web.asked import MomentUs, Page
from tracehound.console.web.cells import of_item
from tracehound.console.web.filters import among, within
from tracehound.console.web.lists import List
from tracehound.schemas.feedback import Judgement

_AT_ONCE = 500


class FeedbackAsked(Page):
    """Which verdicts."""

    judgement: Annotated[list[Judgement], Field(max_length=10, default_factory=list)]
    since: Annotated[MomentUs | None, Field(description="Said at that time or later.")] = None
    until: Annotated[MomentUs | None, Field(description="Said before that time.")] = None


def verdicts_asked(asked: FeedbackAsked) -> List:
    """The list of those that are asked for, the newest first; what was taken back is not among them."""
    columns = verdicts.c
    statement = select(columns.event, columns.judged_at_us, columns.subject_id).where(
        columns.withdrawn.is_(False),
        *among(columns.judgement, asked.judgement),
        *within(columns.judged_at_us, asked.since, asked.until),
    )
    return List(statement, (columns.judged_at_us, columns.subject_id), True, _CELLS)


_CELLS = of_item(("subject_id", "judgement", "judged_at"))


def judgements(connection: Connection, subjects: Sequence[str]) -> dict[str, str]:
    """What these anomalies were judged, as far as they were."""
    columns = verdicts.c
    found: dict[str, str] = {}
    for begin in range(0, len(subjects), _AT_ONCE):
        part = subjects[begin : begin + _AT_ONCE]
        wanted = select(columns.subject_id, columns.judgement).where(
            columns.subject_id.in_(part), columns.withdrawn.is_(False)
        )
        found.update((row.subject_id, row.judgement) for row in connection.execute(wanted))
    return found


def subject_anomalies(connection: Connection, subject_id: str) -> Sequence[str] | None:
    """The events of the anomalies that a verdict on a subject is about; None: there is no such subject.

    An incident's are those of its applications while it lasted.
    """
    columns = anomalies.c
    own = connection.execute(select(columns.event).where(columns.id == subject_id)).scalars().all()
    if own:
        return own
    wanted = select(incidents).where(incidents.c.incident_id == subject_id)
    incident = connection.execute(wanted).first()
    return None if incident is None else anomalies_of(connection, incident)


def anomalies_since(connection: Connection, application: str, environment: str, since_us: int) -> Sequence[str]:
    """The events of an application's anomalies since then, the oldest of the newest ``MOST_ANOMALIES`` first."""
    columns = anomalies.c
    wanted = (
        select(columns.event)
        .where(columns.application == application, columns.environment == environment, columns.time_us >= since_us)
        .order_by(columns.time_us.desc(), columns.seq.desc())
        .limit(MOST_ANOMALIES)
    )
    return list(reversed(connection.execute(wanted).scalars().all()))


def newest_us(connection: Connection, application: str, environment: str) -> int | None:
    """Event time of an application's newest anomaly."""
    columns = anomalies.c
    wanted = (
        select(columns.time_us)
        .where(columns.application == application, columns.environment == environment)
        .order_by(columns.time_us.desc())
        .limit(1)
    )
    return connection.execute(wanted).scalar()
