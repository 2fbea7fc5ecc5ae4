"""Fills a store with a million anomalies and ten thousand incidents of many applications, as they would be told."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, text

from tracehound.console.store.engine import Store
from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.anomalies import AnomalyWriter
from tracehound.console.store.reader.writers.incidents import IncidentWriter
from tracehound.console.store.reader.writers.progress import ProgressWriter
from tracehound.console.store.reader.writers.upsert import count_kept
from tracehound.console.store.reader.writers.writer import Row
from tracehound.console.store.tables import anomalies
from tracehound.schemas.anomaly import (
    ANOMALY_TYPE,
    SEVERITIES,
    Anomaly,
    AnomalyEvent,
    AnomalyKind,
    ModelStamp,
    Severity,
)
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.incident import INCIDENT_TYPES, Incident, IncidentChange, IncidentEvent, SuspectedCause
from tracehound.schemas.progress import Progress

APPLICATIONS: Final = 200
DAYS: Final = 90
BEGIN_S: Final = 1_767_225_600.0
_OPERATIONS: Final = 20
_KINDS: Final[tuple[AnomalyKind, ...]] = ("latency", "errors", "structure", "outlier")
_SEVERITIES: Final = (80, 15, 5)
_CHANGES: Final[tuple[IncidentChange, ...]] = ("opened", "updated", "resolved")
_INCIDENTS_AT_ONCE: Final = 2_000
_PROGRESS_MINUTES: Final = 30


@dataclass(frozen=True, slots=True)
class Size:
    """How much is told."""

    anomalies: int = 1_000_000
    incidents: int = 10_000


def application(number: int) -> str:
    """The name of one of them."""
    return f"application-{number:03}"


def anomaly_event(identity: str, at_s: float, chance: random.Random) -> AnomalyEvent:
    """An anomaly of an application that is told of often, or seldom, as applications are."""
    name = application(int(APPLICATIONS * chance.random() ** 2))
    severity: Severity = chance.choices(SEVERITIES, _SEVERITIES)[0]
    operation = f"GET /resource-{chance.randrange(_OPERATIONS)}/{{id}}"
    data = Anomaly(
        application=name,
        operation=operation,
        environment="production",
        version="1.4.2",
        kind=_KINDS[chance.randrange(len(_KINDS))],
        score=5 + 10 * chance.random(),
        sigma=6.0,
        severity=severity,
        confidence=0.9,
        signal="duration_ms",
        typical=120.0,
        actual=940.0,
        bounds=(80.0, 210.0),
        unit="ms",
        contributions={"http stock-service": 0.77, "self": 0.23},
        reason=f"{operation} took 940 ms, typically 120 ms (80 to 210): 77 % of it is in calls to stock-service.",
        exemplar_trace_ids=[f"{chance.getrandbits(128):032x}"],
        window=None,
        model=ModelStamp("charts", "1", 12_000, rfc3339(BEGIN_S - 86_400), False),
        incident_key=f"{name}/{chance.randrange(50)}",
    )
    return AnomalyEvent(identity, "tracehound", ANOMALY_TYPE, name, rfc3339(at_s), data)


def fill(store: Store, size: Size) -> None:
    """Fill an empty store."""
    chance = random.Random(1)
    with store.write() as connection:
        _fill_anomalies(connection, size.anomalies, chance)
        _fill_incidents(connection, size.incidents, chance)
        fill_progress(connection)


def _fill_anomalies(connection: Connection, count: int, chance: random.Random) -> None:
    """Some anomalies are made here, and repeated by the database at other times and with other ids."""
    base = min(count, _MADE)
    connection.execute(
        insert(anomalies), [_row(anomaly_event(f"{number:06}", BEGIN_S, chance)) for number in range(base)]
    )
    columns = {column.name: column for column in anomalies.c if column.name != "seq"}
    times = connection.execute(select(func.max(anomalies.c.seq))).scalar_one()
    repeated = text(
        f"INSERT INTO anomalies ({', '.join(columns)}) {_REPEATED.format(moment=_MOMENT[connection.dialect.name])}"
    )
    step_us = round(DAYS * 86_400 * 1_000_000 / count)
    numbers = {
        "base": base,
        "times": count // base,
        "last": times,
        "begin_us": round(BEGIN_S * 1e6),
        "step_us": step_us,
    }
    connection.execute(repeated, numbers)
    connection.execute(delete(anomalies).where(anomalies.c.seq <= times))
    rows, size = connection.execute(select(func.count(), func.sum(anomalies.c.bytes))).one()
    count_kept(connection, anomalies, rows, size)


_MADE: Final = 2_000
_REPEATED: Final = """
WITH RECURSIVE turns(turn) AS (SELECT 0 UNION ALL SELECT turn + 1 FROM turns WHERE turn + 1 < :times),
placed AS (
    SELECT anomalies.*, turn, :begin_us + (turn * :base + seq - 1 - (:last - :base)) * :step_us AS at_us
    FROM turns CROSS JOIN anomalies WHERE seq <= :last
),
told AS (
    SELECT placed.*, id || '-' || turn AS new_id, replace(
        replace(event, '"id":"' || id || '"', '"id":"' || id || '-' || turn || '"'),
        '"time":"2026-01-01T00:00:00.000Z"', '"time":"' || {moment} || '"'
    ) AS new_event FROM placed
)
SELECT new_id, at_us, application, environment, operation, version, kind, severity, severity_rank, score, signal,
    incident_key, at_us, length(new_event), new_event
FROM told ORDER BY turn, seq
"""
_MOMENT: Final = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%fZ', at_us / 1000000.0, 'unixepoch')",
    "postgresql": "to_char(to_timestamp(at_us / 1000000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
}
"""RFC 3339, as each engine writes it."""


def _row(event: AnomalyEvent) -> Row:
    return AnomalyWriter().row(_record(encode(event), BEGIN_S))


def incident_events(number: int, at_s: float, chance: random.Random) -> Iterator[IncidentEvent]:
    """All that is told of an incident."""
    names = [application(one) for one in chance.sample(range(APPLICATIONS), 2)]
    cause = SuspectedCause(names[0], "GET /resource-1/{id}", 0.7, "70 % of the excess is in its own time.")
    opened_at, identity = rfc3339(at_s), f"incident-{number}"
    for revision, change in enumerate(_CHANGES if chance.random() < 0.98 else _CHANGES[:2], 1):
        now = rfc3339(at_s + 60 * revision)
        data = Incident(
            incident_id=identity,
            dedup_key=identity,
            revision=revision,
            state="resolved" if change == "resolved" else "open",
            severity="major",
            previous_severity=None,
            summary=f"{names[0]} is slow, and {names[1]} with it",
            reason=change,
            environment="production",
            opened_at=opened_at,
            updated_at=now,
            resolved_at=now if change == "resolved" else None,
            applications=names,
            operations=[],
            operation_count=0,
            kinds=["latency"],
            suspected_cause=cause,
            runner_up=None,
            anomaly_count=10 * revision,
            top_anomalies=[],
            exemplar_trace_ids=[],
            releases=[],
            reopened=0,
            muted_by=None,
        )
        yield IncidentEvent(f"{identity}-{revision}", "tracehound", INCIDENT_TYPES[change], identity, now, data)


def _fill_incidents(connection: Connection, count: int, chance: random.Random) -> None:
    writer = IncidentWriter()
    for first in range(0, count, _INCIDENTS_AT_ONCE):
        told = [
            (event, BEGIN_S + DAYS * 86_400 * number / count)
            for number in range(first, min(count, first + _INCIDENTS_AT_ONCE))
            for event in incident_events(number, BEGIN_S + DAYS * 86_400 * number / count, chance)
        ]
        writer.write(connection, [writer.row(_record(encode(event), at_s)) for event, at_s in told])


def fill_progress(connection: Connection, count: int = APPLICATIONS) -> None:
    """Half an hour of progress of so many applications."""
    writer = ProgressWriter()
    end_s = BEGIN_S + DAYS * 86_400
    rows: list[dict[str, Any]] = []
    for number in range(count):
        for minute in range(_PROGRESS_MINUTES):
            at_s = end_s - 60 * minute
            one = Progress(application(number), "production", rfc3339(at_s), 1_000, 3, 0, {})
            rows.append(writer.row(_record(encode(one), at_s)))
    writer.write(connection, rows)


def _record(value: bytes, told_s: float) -> Record:
    return Record("", 0, 0, round(told_s * 1_000_000), None, value)


def told_anew(count: int) -> Sequence[bytes]:
    """Anomalies that no store holds yet, as they come on the topic."""
    chance = random.Random(2)
    begin_s = BEGIN_S + DAYS * 86_400
    return [encode(anomaly_event(f"anew-{number}", begin_s + number / 1_000, chance)) for number in range(count)]
