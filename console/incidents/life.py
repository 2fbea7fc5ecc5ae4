"""An incident's life: what was told of it, what deviated first in each application, and releases, in one order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.incident import IncidentEvent, Release

_MOST_FIRSTS = 20


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened at ``time`` (RFC 3339); ``severity`` is empty for what has none.

    ``anomaly_id`` is that of an anomaly to be looked at, empty where none is meant.
    """

    time: str
    what: str
    severity: str
    sentence: str
    anomaly_id: str = ""


def life_of(
    events: Iterable[IncidentEvent], anomalies: Sequence[AnomalyEvent], releases: Iterable[Release]
) -> list[Moment]:
    """All of it, the oldest first; ``anomalies`` are those of the incident, the oldest first."""
    firsts: dict[str, AnomalyEvent] = {}
    for anomaly in anomalies:
        firsts.setdefault(anomaly.data.application, anomaly)
    found = [
        *(Moment(one.at, "release", "", f"{one.application} {one.version} was first seen.") for one in releases),
        *(
            Moment(one.time, f"first in {one.data.application}", one.data.severity, one.data.reason, one.id)
            for one in [*firsts.values()][:_MOST_FIRSTS]
        ),
        *(Moment(one.time, _change(one), one.data.severity, one.data.reason) for one in events),
    ]
    return sorted(found, key=lambda moment: moment.time)


def _change(event: IncidentEvent) -> str:
    return event.type.split(".")[-2]
