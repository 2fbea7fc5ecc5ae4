"""Records as tests of incidents need them: an environment in which time goes on, and all that is told."""

from collections.abc import Iterable, Mapping

from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.telling.names import identity
from tracehound.schemas.anomaly import Anomaly, AnomalyEvent, AnomalyKind, ModelStamp, Severity, Window
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.feedback import Judgement, Maintenance, Verdict
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.incident_input import IncidentInput
from tracehound.schemas.model_event import MODEL_EVENT_TYPES, ModelChange, ModelEvent
from tracehound.schemas.progress import Progress

START_S = 1_767_225_600.0
STEP_S = 5.0


def anomaly(
    application: str,
    at_s: float,
    severity: Severity = "major",
    *,
    operation: str = "GET /",
    kind: AnomalyKind = "latency",
    signal: str = "self_ms",
    environment: str = "",
    score: float = 9.0,
    about: str = "its own code",
    reason: str = "",
    trace_id: str | None = None,
    silent_since_s: float | None = None,
) -> AnomalyEvent:
    """An anomaly of an execution of its own; a window where there is no operation."""
    time = rfc3339(START_S + at_s)
    silent = silent_since_s is not None
    actual = 100.0 if silent_since_s is None else 1_000.0 * (at_s - silent_since_s)
    identifier = identity(application, operation, time, kind, signal, environment, about)
    window = None if operation and not silent else Window(rfc3339(START_S + (silent_since_s or at_s - 30.0)), time, 1)
    data = Anomaly(
        application=application,
        operation=operation,
        environment=environment,
        version="",
        kind=kind,
        score=score,
        sigma=8.0,
        severity=severity,
        confidence=1.0,
        signal=signal,
        typical=10.0,
        actual=actual,
        bounds=(5.0, 20.0),
        unit="ms",
        contributions={about: 1.0},
        reason=reason or f"{operation or application} now takes 100 ms, typically 10 ms.",
        exemplar_trace_ids=[trace_id or identifier] if window is None else [],
        window=window,
        model=ModelStamp("chart", "2", 100, None, False),
        incident_key="/".join((application, environment, kind, *([operation] if operation else []))),
    )
    return AnomalyEvent(identifier, "/tracehound", "anomaly", operation, time, data)


def silence(application: str, since_s: float, at_s: float, environment: str = "") -> AnomalyEvent:
    return anomaly(
        application,
        at_s,
        operation="",
        kind="traffic",
        signal="silence_ms",
        environment=environment,
        about="missing executions",
        silent_since_s=since_s,
        reason=f"{application} has sent nothing for {at_s - since_s:g} s.",
    )


def progress(
    application: str,
    through_s: float,
    *,
    environment: str = "",
    executions: int = 50,
    operations: Mapping[str, int] | None = None,
    ongoing: Mapping[str, float] | None = None,
    calls: Iterable[str] = (),
    taken: Iterable[str] = (),
) -> Progress:
    return Progress(
        application,
        environment,
        rfc3339(START_S + through_s),
        executions,
        0,
        0,
        dict(operations or {"GET /": executions}),
        {key: START_S + at_s for key, at_s in (ongoing or {}).items()},
        dict.fromkeys(calls, 10),
        dict.fromkeys(taken, 10),
    )


def released(application: str, version: str, at_s: float) -> ModelEvent:
    change = ModelChange(application, "", "", "chart", "release", 100, 0, "It was released.", version=version)
    kind = MODEL_EVENT_TYPES["release"]
    return ModelEvent(identity(application, version), "/tracehound", kind, application, rfc3339(START_S + at_s), change)


def verdict(subject_id: str, judgement: Judgement = "false_positive", withdrawn: bool = False) -> Verdict:
    return Verdict(subject_id, judgement, START_S, by="ann", withdrawn=withdrawn)


def maintenance(
    starts_s: float, ends_s: float, application: str = "", window_id: str = "w", withdrawn: bool = False
) -> Maintenance:
    return Maintenance(window_id, START_S + starts_s, START_S + ends_s, application, withdrawn=withdrawn)


def wrapped(record: AnomalyEvent | Progress | ModelEvent | Verdict | Maintenance) -> IncidentInput:
    match record:
        case AnomalyEvent():
            return IncidentInput(anomaly=record)
        case Progress():
            return IncidentInput(progress=record)
        case ModelEvent():
            return IncidentInput(change=record)
        case Verdict():
            return IncidentInput(verdict=record)
        case Maintenance():
            return IncidentInput(maintenance=record)


class World:
    """An environment of ``applications`` (each with whom it calls) whose progress comes every ``STEP_S`` seconds."""

    def __init__(self, applications: Mapping[str, Iterable[str]], settings: IncidentSettings | None = None) -> None:
        self.book = IncidentBook(settings or IncidentSettings())
        self.applications = {name: list(calls) for name, calls in applications.items()}
        self.now_s = 0.0
        self.log: list[IncidentInput] = []
        self.told: list[IncidentEvent] = []
        self.stopped: set[str] = set()
        self.ongoing: dict[str, set[str]] = {}
        self.run(until_s=3 * STEP_S)

    def take(self, *records: AnomalyEvent | Progress | ModelEvent | Verdict | Maintenance) -> list[IncidentEvent]:
        """What is told because of these records."""
        told: list[IncidentEvent] = []
        for record in records:
            self.log.append(wrapped(record))
            told += self.book.take(self.log[-1])
        self.told += told
        return told

    def run(self, until_s: float) -> list[IncidentEvent]:
        """Let all applications that have not stopped make progress; what of them goes on deviates."""
        told: list[IncidentEvent] = []
        while self.now_s < until_s:
            self.now_s += STEP_S
            for name, calls in self.applications.items():
                if name not in self.stopped:
                    ongoing = dict.fromkeys(sorted(self.ongoing.get(name, ())), self.now_s)
                    told += self.take(progress(name, self.now_s, ongoing=ongoing, calls=calls))
        return told


def changes(told: Iterable[IncidentEvent]) -> list[tuple[str, str]]:
    """What each event says, in short: (change, severity)."""
    return [(event.type.split(".")[3], event.data.severity) for event in told]
