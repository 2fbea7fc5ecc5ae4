"""Tunings in the store: their candidates, what came of them, and the incidents that they are to find."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, select

from tracehound.console.store.engine import Store
from tracehound.console.store.tables import (
    anomalies,
    incident_applications,
    incidents,
    tuning_results,
    tuning_tasks,
    verdicts,
)
from tracehound.console.training.price import Price
from tracehound.console.tuning.told import Tuning, TuningResults, results_told, tuning_told
from tracehound.console.web.asked import MomentUs, Name, Page
from tracehound.console.web.cells import of_item
from tracehound.console.web.filters import equal, within
from tracehound.console.web.lists import List
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.tuning import Confirmed, TuningResult, TuningTask, is_cancellation

MOST_CONFIRMED: Final = 1_000
_BEFORE_S: Final = 60.0
"""An anomaly that was confirmed is found by one that comes as much sooner."""
_task = msgspec.json.Decoder(TuningTask).decode
_result = msgspec.json.Decoder(TuningResult).decode


class TuningsAsked(Page):
    """Which tunings."""

    application: Name | None = None
    environment: Name | None = None
    since: MomentUs | None = None
    until: MomentUs | None = None


def tunings_asked(asked: TuningsAsked, store: Store, price: Price, now_s: float) -> List:
    """The list of those that are asked for, the newest first."""
    columns = tuning_tasks.c
    statement = select(columns.event, columns.tuning, columns.time_us, columns.seq).where(
        columns.number == 0,
        *equal(columns.application, asked.application),
        *equal(columns.environment, asked.environment),
        *within(columns.time_us, asked.since, asked.until),
    )
    return List(statement, (columns.time_us, columns.seq), True, _CELLS, partial(_item, store, price, now_s))


_CELLS = of_item(Tuning.__struct_fields__)


def _item(store: Store, price: Price, now_s: float, row: Row[Any]) -> str:
    with store.read() as connection:
        told = _told(connection, row, price, now_s)
    return msgspec.json.encode(told).decode()


def tuning_of(connection: Connection, tuning: str, price: Price, now_s: float) -> Tuning | None:
    """One tuning, if it is known."""
    columns = tuning_tasks.c
    wanted = select(columns.event, columns.tuning, columns.time_us).where(columns.tuning == tuning)
    row = connection.execute(wanted.order_by(columns.number).limit(1)).first()
    return None if row is None else _told(connection, row, price, now_s)


def results_of(connection: Connection, tuning: str, price: Price, now_s: float) -> TuningResults | None:
    """One tuning with its candidates, if it is known."""
    told = tuning_of(connection, tuning, price, now_s)
    if told is None:
        return None
    tasks, results = (
        connection.execute(select(table.c.event).where(table.c.tuning == tuning).order_by(table.c.number)).scalars()
        for table in (tuning_tasks, tuning_results)
    )
    tried = [one for one in map(_result, results) if not is_cancellation(one)]
    return results_told(told, [_task(one) for one in tasks], tried, price)


def _told(connection: Connection, row: Any, price: Price, now_s: float) -> Tuning:
    task, results, tasks = _task(row.event), tuning_results.c, tuning_tasks.c
    of_it = results.tuning == row.tuning
    wanted = select(results.state, func.count().label("candidates"), func.sum(results.cpu_s).label("cpu_s"))
    found = connection.execute(wanted.where(of_it, results.id != row.tuning).group_by(results.state)).all()
    counted = {one.state: (int(one.candidates), float(one.cpu_s)) for one in found}
    given_up = select(func.count()).where(results.id == row.tuning, results.state == "cancelled")
    if connection.execute(given_up).scalar():
        counted["given_up"] = (1, 0.0)
    known = select(func.count()).where(tasks.tuning == row.tuning)
    candidates = task.candidates or int(connection.execute(known).scalar() or 0)
    return tuning_told(task, row.time_us, counted, candidates, price, now_s)


def confirmed_of(connection: Connection, key: ApplicationKey) -> list[Confirmed]:
    """What people confirmed of an application, the newest first: incidents that it was part of, and anomalies."""
    said, parts = verdicts.c, incident_applications.c
    confirmed = (said.judgement == "confirmed", said.withdrawn.is_(False))
    of_incidents = (
        select(incidents.c.opened_at_us, func.coalesce(incidents.c.resolved_at_us, incidents.c.updated_at_us))
        .join(incident_applications, parts.incident_id == incidents.c.incident_id)
        .join(verdicts, said.subject_id == incidents.c.incident_id)
        .where(parts.application == key[0], incidents.c.environment == key[1], *confirmed)
        .order_by(incidents.c.opened_at_us.desc())
        .limit(MOST_CONFIRMED)
    )
    of_anomalies = (
        select(anomalies.c.time_us)
        .join(verdicts, said.subject_id == anomalies.c.id)
        .where(anomalies.c.application == key[0], anomalies.c.environment == key[1], *confirmed)
        .order_by(anomalies.c.time_us.desc())
        .limit(MOST_CONFIRMED)
    )
    found = [Confirmed(begin / 1e6, end / 1e6) for begin, end in connection.execute(of_incidents)]
    moments: Sequence[int] = connection.execute(of_anomalies).scalars().all()
    at_s = (time_us / 1e6 for time_us in moments)
    alone = [one for one in at_s if not any(each.start <= one <= each.end for each in found)]
    return [*found, *(Confirmed(max(0.0, one - _BEFORE_S), one) for one in alone)][:MOST_CONFIRMED]
