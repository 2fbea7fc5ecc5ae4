"""Records of the output topics for tests, as the workers write them."""

from typing import Any

import msgspec

from tracehound.console.store.reader.record import Record
from tracehound.schemas.anomaly import ANOMALY_TYPE, Anomaly, AnomalyEvent, ModelStamp, Severity
from tracehound.schemas.application_settings import ApplicationSettings
from tracehound.schemas.call_graph import Call, CallGraph
from tracehound.schemas.codec import encode
from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.delivery import DELIVERY_TYPES, DeliveryEvent, DeliveryOutcome, DeliveryReport, delivery_id
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.incident import (
    INCIDENT_TYPES,
    Incident,
    IncidentChange,
    IncidentEvent,
    Recurrence,
    SuspectedCause,
)
from tracehound.schemas.log_levels import Level
from tracehound.schemas.model_event import MODEL_EVENT_TYPES, ModelChange, ModelEvent, ModelEventKind, TrainingCost
from tracehound.schemas.progress import Progress
from tracehound.schemas.scored_log import SCORED_LOG_TYPE, ScoredLog, ScoredLogEvent
from tracehound.schemas.topics import Topics
from tracehound.schemas.tuning import TuningTask

BEGIN_S = 1_767_225_600.0
TOPICS = Topics("test.", 2)


def record(topic: str, value: bytes | None, offset: int = 0, partition: int = 0, told_s: float = BEGIN_S) -> Record:
    return Record(topic, partition, offset, round(told_s * 1_000_000), b"shop", value)


def anomaly(number: int, application: str = "shop", severity: Severity = "minor", **more: Any) -> bytes:
    data = Anomaly(
        application=application,
        operation="GET /cart",
        environment="prod",
        version="1.2",
        kind="latency",
        score=7.5,
        sigma=6.0,
        severity=severity,
        confidence=0.9,
        signal="duration",
        typical=100.0,
        actual=900.0,
        bounds=(50.0, 200.0),
        unit="ms",
        contributions={"duration": 1.0},
        reason="It was slow.",
        exemplar_trace_ids=[f"trace-{number}"],
        window=None,
        model=ModelStamp("charts", "1", 1_000, None, False),
        incident_key=application,
    )
    event = AnomalyEvent(f"anomaly-{number}", "tracehound", ANOMALY_TYPE, application, rfc3339(BEGIN_S + number), data)
    return encode(msgspec.structs.replace(event, **more))


def incident(
    name: str,
    revision: int,
    change: IncidentChange,
    applications: tuple[str, ...] = ("shop",),
    cause: str = "",
    recurring: Recurrence | msgspec.UnsetType = msgspec.UNSET,
) -> bytes:
    at = rfc3339(BEGIN_S + revision)
    data = Incident(
        incident_id=name,
        dedup_key=name,
        revision=revision,
        state="resolved" if change == "resolved" else "open",
        severity="major",
        previous_severity=None,
        summary=f"{name} is slow",
        reason=f"{change}",
        environment="prod",
        opened_at=rfc3339(BEGIN_S),
        updated_at=at,
        resolved_at=at if change == "resolved" else None,
        applications=list(applications),
        operations=[],
        operation_count=0,
        kinds=["latency"],
        suspected_cause=SuspectedCause(cause or applications[0], "GET /stock", 0.8, "It explains 80 %."),
        runner_up=None,
        anomaly_count=revision,
        top_anomalies=[],
        exemplar_trace_ids=[],
        releases=[],
        reopened=0,
        muted_by=None,
        recurring=recurring,
    )
    return encode(IncidentEvent(f"{name}-{revision}", "tracehound", INCIDENT_TYPES[change], name, at, data))


def model_event(number: int, change: ModelEventKind = "trained", cost: TrainingCost | None = None) -> bytes:
    data = ModelChange("shop", "prod", "", "forest", change, 1_000, 0, "It was trained.", cost)
    at = rfc3339(BEGIN_S + number)
    return encode(ModelEvent(f"model-{number}", "tracehound", MODEL_EVENT_TYPES[change], "shop", at, data))


def progress(at_s: float, executions: int, application: str = "shop", errors: int = 0, **calls: int) -> bytes:
    counts, at = {"GET /cart": executions}, rfc3339(BEGIN_S + at_s)
    return encode(Progress(application, "prod", at, executions, errors, 0, counts, calls=calls))


def call_graph(name: str, *calls: Call) -> bytes:
    return encode(CallGraph(name, "shop", "prod", list(calls)))


def call(count: int, window: int = 0, peer: str = "stock") -> Call:
    return Call(int(BEGIN_S) + window, "GET /cart", peer, "GET /stock", count, 1, 10.0 * count)


def scored_log(number: int, message: str = "CPU spike detected", level: Level = "warning") -> bytes:
    data = ScoredLog(
        id=f"log-{number}",
        application="shop",
        environment="prod",
        version="",
        host="host-7",
        level=level,
        message=message,
        template=message,
        template_id="3",
        template_count=1,
        severity="minor",
        score=0.0,
        warming=True,
        anomaly_id=None,
        trace_id="",
        attributes={},
    )
    at = rfc3339(BEGIN_S + number)
    return encode(ScoredLogEvent(f"log-{number}", "tracehound", SCORED_LOG_TYPE, "shop", at, data))


def tuning_task(number: int, tuning: str = "tuning") -> bytes:
    candidate = {"least_sigma": 4.0 + number} if number else {}
    about: dict[str, Any] = {"id": f"{tuning}-{number}", "tuning": tuning, "number": number, "settings": candidate}
    of_whom: dict[str, Any] = {"application": "shop", "environment": "prod", "partition": 0, "first": 0, "last": 9}
    return encode(TuningTask(**about, **of_whom, most_cpu_s=1.0, expires_at=4e9, candidates=2, asked_at=BEGIN_S))


def own_settings(version: int, **settings: float) -> bytes:
    at_s = BEGIN_S + version
    return encode(
        ApplicationSettings(application="shop", environment="prod", version=version, settings=settings, asked_at=at_s)
    )


def delivery(number: int, outcome: DeliveryOutcome = "delivered") -> bytes:
    reason = "" if outcome == "delivered" else "It is away."
    said = ("team", "webhook", "incident", f"event-{number}", number)
    report = DeliveryReport(*said, "opened", "major", outcome, 1.5, reason)
    at, kind = rfc3339(BEGIN_S + number), DELIVERY_TYPES[outcome]
    return encode(DeliveryEvent(delivery_id(report), "tracehound", kind, "incident", at, report))


def dead_letter(offset: int, value: bytes = b"{", position: int = 0) -> Record:
    letter = DeadLetter(
        value,
        b"\xff\x00",
        "executions.v1",
        0,
        offset,
        5,
        "decode",
        "InvalidJson",
        "It is cut off.",
        [("trace", b"\x00")],
    )
    place = (TOPICS.dead_letters.name, 0, position, round(BEGIN_S * 1_000_000))
    return Record(*place, letter.key, letter.value, letter.wire_headers())
