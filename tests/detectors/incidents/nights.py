"""Nights for tests of what comes back: a deviation at an hour of a day, with progress before, during and after."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.detectors.incidents.records import anomaly as anomaly_of
from tests.detectors.incidents.records import progress, wrapped
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.incident_input import IncidentInput

DAY_S, HOUR_S, MINUTE_S = 86_400.0, 3_600.0, 60.0
TWO = 2.0 * HOUR_S


def slow(at_s: float, *, actual: float = 100.0, **more: Any) -> AnomalyEvent:
    """A major anomaly of latency, typically 10 ms."""
    event = anomaly_of(more.pop("application", "shop"), at_s, more.pop("severity", "major"), **more)
    event.data.actual = actual
    return event


class Nights:
    """An application whose time is that of its records, seconds since ``START_S``, a Thursday's first."""

    def __init__(self, settings: IncidentSettings | None = None) -> None:
        self.settings = settings or IncidentSettings()
        self.book = IncidentBook(self.settings)
        self.log: list[IncidentInput] = []
        self.told: list[IncidentEvent] = []

    def take(self, record: Any) -> list[IncidentEvent]:
        self.log.append(wrapped(record))
        told = self.book.take(self.log[-1])
        self.told += told
        return told

    def night(
        self,
        day: int,
        at_s: float = TWO,
        lasts_s: float = 30 * MINUTE_S,
        *,
        anomalies: Sequence[AnomalyEvent] | None = None,
        environment: str = "",
        calls: Mapping[str, Sequence[str]] | None = None,
        **of_slow: Any,
    ) -> list[IncidentEvent]:
        """What is told of a deviation on that day; without ``anomalies`` it is one of ``slow``.

        All of it goes on for ``lasts_s``. ``calls`` says whom applications call.
        """
        begins_s = day * DAY_S + at_s
        found = anomalies
        if found is None:
            found = [slow(begins_s, environment=environment, **of_slow)]
        called: dict[str, Sequence[str]] = {one.data.application: [] for one in found} | dict(calls or {})
        for name, of_it in called.items():
            for before_s in (120.0, 60.0, 0.0):
                self.take(progress(name, begins_s - before_s, environment=environment, calls=of_it))
        told = [event for one in found for event in self.take(one)]
        passed_s = 0.0
        while passed_s < lasts_s + 6 * MINUTE_S:
            passed_s += MINUTE_S
            ongoing = [one.data for one in found] if passed_s <= lasts_s else []
            for name in called:
                keys = {one.incident_key: begins_s + passed_s for one in ongoing if one.application == name}
                told += self.take(progress(name, begins_s + passed_s, environment=environment, ongoing=keys))
        return told

    def restart(self) -> None:
        """All that is known goes through bytes."""
        self.book = IncidentBook.restore(self.book.snapshot(), self.settings)


def is_quiet(told: Sequence[IncidentEvent]) -> bool:
    """Whether something was told, and nobody was alarmed."""
    assert told
    return all(event.data.recurring for event in told)


def alarmed(told: Sequence[IncidentEvent]) -> list[str]:
    """The reasons of events that alarm."""
    return [event.data.reason for event in told if not event.data.recurring]
