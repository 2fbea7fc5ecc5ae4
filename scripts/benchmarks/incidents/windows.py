"""What the incident of each injected fault says of its cause, some time after the injection."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.book_state import BookState, digest_of, unpack_book
from tracehound.detectors.incidents.call_graph import Calls
from tracehound.detectors.incidents.cause import suspected_causes
from tracehound.detectors.incidents.evidence import renewed
from tracehound.detectors.incidents.incident import TrackedIncident
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.incident import IncidentEvent, SuspectedCause
from tracehound.schemas.incident_input import IncidentInput
from tracehound.scripts.benchmarks.incidents.baselines import BASELINES
from tracehound.scripts.recorded.evaluation import BEFORE_S, EFFECT_S
from tracehound.scripts.recorded.traces import FaultWindow

AGES_S = (30.0, 60.0, 120.0, EFFECT_S)
"""Seconds after the injection at which the cause is asked for."""
TOP = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said ``age_s`` after an injection; places start at 1, None where the injected service is not named.

    ``causes`` are the incident's ``TOP`` suspects, ``baselines`` the place that each baseline gives the service.
    """

    age_s: float
    anomalies: int
    reopened: int
    causes: Sequence[SuspectedCause]
    place: int | None
    baselines: dict[str, int | None]


@dataclass(slots=True)
class WindowCause:
    """An injected fault, and what was said of it.

    ``first_s`` is when the first anomaly of its incident was, in seconds after the injection, ``told`` the cause in
    the last event of the incident until ``EFFECT_S`` after it, ``told_s`` when that was; None without any.
    """

    window: FaultWindow
    answers: list[Answer] = field(default_factory=list)
    first_s: float | None = None
    told: str | None = None
    told_s: float | None = None

    def place(self, age_s: float = EFFECT_S) -> int | None:
        """The place of the injected service at an age."""
        return next((answer.place for answer in self.answers if answer.age_s == age_s), None)


class Inquiry:
    """Keeps a book of incidents, and asks it for the cause of each injected fault when its times have come."""

    def __init__(self, book: IncidentBook, windows: Sequence[FaultWindow]) -> None:
        self.causes = [WindowCause(window) for window in windows]
        self._book = book
        self._recent: list[AnomalyEvent] = []
        self._told: list[IncidentEvent] = []
        due = [
            (one.window.inject_s + age_s, number, age_s) for number, one in enumerate(self.causes) for age_s in AGES_S
        ]
        self._due = sorted(due, reverse=True)

    def follow(self, records: Iterable[IncidentInput]) -> None:
        """Take all records; whatever is due after the last is asked for then."""
        for record in records:
            self._ask_until(_time_of(record))
            if record.anomaly is not None:
                self._recent.append(record.anomaly)
            self._told += self._book.take(record)
        self._ask_until(float("inf"))

    def _ask_until(self, now_s: float) -> None:
        while self._due and self._due[-1][0] <= now_s:
            at_s, number, age_s = self._due.pop()
            self._ask(self.causes[number], at_s, age_s)

    def _ask(self, cause: WindowCause, at_s: float, age_s: float) -> None:
        begun_s = cause.window.inject_s - BEFORE_S
        self._recent = [event for event in self._recent if epoch_seconds(event.time) >= at_s - EFFECT_S - BEFORE_S]
        state = unpack_book(self._book.snapshot())
        during = [event for event in self._recent if begun_s <= epoch_seconds(event.time) < at_s]
        found = _incident_of(state, during)
        if found is None:
            cause.answers.append(Answer(age_s, 0, 0, (), None, dict.fromkeys(BASELINES)))
            return
        incident, calls = found
        own = [event for event in during if _number_of(event, state) == incident.number]
        cause.answers.append(_answer(incident, calls, own, cause.window.service, age_s))
        if age_s == EFFECT_S:
            cause.first_s = min(epoch_seconds(event.time) for event in own) - cause.window.inject_s
            self._note_told(cause, incident.incident_id, begun_s, at_s)

    def _note_told(self, cause: WindowCause, incident_id: str, begun_s: float, at_s: float) -> None:
        for event in self._told:
            told_s = epoch_seconds(event.time)
            if event.data.incident_id == incident_id and begun_s <= told_s < at_s and event.data.suspected_cause:
                cause.told, cause.told_s = event.data.suspected_cause.application, told_s - cause.window.inject_s


def _time_of(record: IncidentInput) -> float:
    if record.anomaly is not None:
        return epoch_seconds(record.anomaly.time)
    return epoch_seconds(record.progress.scored_through) if record.progress is not None else 0.0


def _incident_of(state: BookState, anomalies: Iterable[AnomalyEvent]) -> tuple[TrackedIncident, Calls] | None:
    """The incident with most of the anomalies, by score, and the calls of its environment."""
    known = {
        number: (incident, environment.calls)
        for environment in state.environments.values()
        for number, incident in [*environment.live.items(), *environment.resolved.items()]
    }
    weights: dict[int, float] = {}
    for event in anomalies:
        number = _number_of(event, state)
        if number in known:
            weights[number] = weights.get(number, 0.0) + event.data.score
    return known[max(weights, key=lambda number: (weights[number], -number))] if weights else None


def _number_of(event: AnomalyEvent, state: BookState) -> int:
    """The number of the incident that an anomaly belongs to, by now: incidents are merged."""
    number, environment = state.seen.get(digest_of(event.id), 0), state.environments[event.data.environment]
    if number in environment.live or number in environment.resolved:
        return number
    return environment.applications[event.data.application].incident


def _answer(
    incident: TrackedIncident, calls: Calls, anomalies: Sequence[AnomalyEvent], service: str, age_s: float
) -> Answer:
    evidence = renewed(incident.evidence.values(), incident.keys, incident.environment)
    causes = suspected_causes(evidence, calls, most=len(evidence) + len(incident.members))
    return Answer(
        age_s,
        len(anomalies),
        incident.reopened,
        causes[:TOP],
        _place(service, [cause.application for cause in causes]),
        {name: _place(service, ranking(anomalies, calls)) for name, ranking in BASELINES.items()},
    )


def _place(service: str, ranked: Sequence[str]) -> int | None:
    return ranked.index(service) + 1 if service in ranked else None
