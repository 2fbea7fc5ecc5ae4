"""What tracehound told: alerts as stretches of time, and the scores of its anomalies."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from sqlalchemy import Row, select

from tracehound.console.store.engine import Store
from tracehound.console.store.tables.anomalies import anomalies
from tracehound.console.store.tables.incidents import incidents
from tracehound.schemas.anomaly import ANOMALY_TYPE, SEVERITIES, AnomalyEvent, Severity
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.incident import INCIDENT_TYPES, IncidentEvent
from tracehound.scripts.acceptance.timeline import Stretch, TimelineError

_ROWS = 10_000


class Told:
    """Collects anomalies and incidents, of one application or all, and from a severity on.

    An incident lasts from its first to its last deviation, as its newest event says, and its severity is the gravest
    that it had. An anomaly lasts as long as its window, or is a moment.
    """

    def __init__(self, application: str | None = None, severity: Severity = "minor") -> None:
        self._application, self._least = application, SEVERITIES.index(severity)
        self._anomalies = list[Stretch]()
        self._incidents = dict[str, tuple[int, Stretch]]()
        self._grave = set[str]()

    def anomaly(self, event: AnomalyEvent) -> None:
        """Take an anomaly."""
        data = event.data
        if self._application in (None, data.application) and SEVERITIES.index(data.severity) >= self._least:
            window = data.window
            start_s = epoch_seconds(window.start if window else event.time)
            end_s = epoch_seconds(window.end if window else event.time)
            self._anomalies.append(Stretch(start_s, max(start_s, end_s), data.score))

    def incident(self, event: IncidentEvent) -> None:
        """Take an event of an incident, in any order."""
        data = event.data
        if self._application is not None and self._application not in data.applications:
            return
        if SEVERITIES.index(data.severity) >= self._least:
            self._grave.add(data.incident_id)
        known = self._incidents.get(data.incident_id)
        if known is None or known[0] < data.revision:
            start_s, end_s = epoch_seconds(data.opened_at), epoch_seconds(data.resolved_at or data.updated_at)
            self._incidents[data.incident_id] = (data.revision, Stretch(start_s, max(start_s, end_s)))

    def alerts(self) -> list[Stretch]:
        """What people were told: incidents, or anomalies where no incident is known."""
        grave = [stretch for name, (_, stretch) in self._incidents.items() if name in self._grave]
        return grave if self._incidents else self._anomalies

    def scores(self) -> list[Stretch]:
        """The anomalies with their scores."""
        return self._anomalies


def read_events(file: Path, told: Told) -> None:
    """Anomalies and incidents as JSON lines, as their topics and ``replay --anomalies`` have them.

    Raises:
        TimelineError: the file cannot be read, or a line is neither; the message names the line.
    """
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    _read_event(line, number, told)
    except OSError as error:
        raise TimelineError(f"The file of what was told must be readable. Got {file}: {error}.") from None


def _read_event(line: bytes, number: int, told: Told) -> None:
    try:
        kind = json.loads(line).get("type")
        if kind == ANOMALY_TYPE:
            told.anomaly(msgspec.json.decode(line, type=AnomalyEvent))
        elif kind in INCIDENT_TYPES.values():
            told.incident(msgspec.json.decode(line, type=IncidentEvent))
        else:
            raise ValueError(f"its type is {kind!r}")
    except (ValueError, AttributeError) as error:
        raise TimelineError(
            f"Line {number} of what was told must be an anomaly or an incident as tracehound publishes them: {error}."
        ) from None


def read_store(store: Store, start_s: float, end_s: float, told: Told) -> None:
    """What the console keeps of the time from ``start_s`` to ``end_s``, epoch seconds.

    Raises:
        StoreError: the database is away.
    """
    start_us, end_us = int(start_s * 1e6), int(end_s * 1e6)
    of_anomalies = select(anomalies.c.event).where(anomalies.c.time_us.between(start_us, end_us))
    of_incidents = select(incidents.c.event).where(
        incidents.c.opened_at_us < end_us, incidents.c.updated_at_us > start_us
    )
    with store.read() as connection:
        for event in _texts(connection.execution_options(yield_per=_ROWS).execute(of_anomalies)):
            told.anomaly(msgspec.json.decode(event, type=AnomalyEvent))
        for event in _texts(connection.execution_options(yield_per=_ROWS).execute(of_incidents)):
            told.incident(msgspec.json.decode(event, type=IncidentEvent))


def _texts(rows: Iterable[Row[str]]) -> Iterator[str]:
    for (text,) in rows:
        yield text
