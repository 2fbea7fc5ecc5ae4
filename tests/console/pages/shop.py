"""A store with something on every page: two applications, an incident, its anomaly and the execution, a release."""

import msgspec
from sqlalchemy import insert, select

from tests.console.store.reader.told import (
    BEGIN_S,
    TOPICS,
    anomaly,
    call,
    delivery,
    incident,
    model_event,
    progress,
    record,
    scored_log,
)
from tracehound.console.store.engine import Store
from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers import writers
from tracehound.console.store.tables import dead_letters, exemplars
from tracehound.schemas.anomaly import AnomalyEvent, AnomalyEvidence, Concentration
from tracehound.schemas.call_graph import CallGraph
from tracehound.schemas.codec import encode
from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.delivery import DeliveryEvent, DeliveryOutcome
from tracehound.schemas.execution import Execution, Segment, rfc3339
from tracehound.schemas.feedback import Maintenance
from tracehound.schemas.incident import AffectedOperation, IncidentEvent, Release, SuspectedCause
from tracehound.schemas.topics import Topic
from tracehound.schemas.tuning import TuningTask

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"
BEGIN_US = round(BEGIN_S * 1e6)


def fill(store: Store, name: str = "shop", segments: int = 40) -> None:
    """``name`` stands in every field that comes from outside."""
    event = msgspec.json.decode(anomaly(1, name, "critical"), type=AnomalyEvent)
    data = event.data
    data.operation, data.reason, data.version = f"GET {name}", f"{name} took 900 ms, typically 100 ms.", name
    data.contributions = {f"calls to {name}": 1.0}
    data.evidence = AnomalyEvidence([f"{name} |###| 900 ms"], f"sure of {name}", f"below {name}")
    data.concentrated_in = [Concentration(name, name, 0.96, 0.11)]
    opened = msgspec.json.decode(incident(name, 1, "opened", (name, "stock")), type=IncidentEvent)
    opened.data.summary = opened.data.reason = f"{name} is slow"
    opened.data.suspected_cause = SuspectedCause("stock", "GET /stock", 0.8, "It explains 80 %.")
    opened.data.runner_up = SuspectedCause(name, f"GET {name}", 0.15, f"Next is {name}.")
    opened.data.operations = [AffectedOperation(name, f"GET {name}", 1), AffectedOperation("stock", "GET /stock", 2)]
    opened.data.releases = [Release(name, name, rfc3339(BEGIN_S - 60))]
    opened.data.exemplar_trace_ids = [name]
    release = msgspec.json.decode(model_event(1, "release"))
    release["data"] |= {"application": name, "version": name, "sentence": f"{name} was released"}
    for topic, values in (
        (TOPICS.progress, [progress(60 * minute, 600, name, minute) for minute in range(90)]),
        (TOPICS.progress, [progress(60 * minute, 60, "stock") for minute in range(90)]),
        (TOPICS.anomalies, [msgspec.json.encode(event)]),
        (TOPICS.severity, [msgspec.json.encode(opened)]),
        (TOPICS.models, [msgspec.json.encode(release), model_event(2)]),
        (TOPICS.scored_logs, [scored_log(1, name)]),
        (TOPICS.tuning_tasks, [encode(_tuning(name))]),
        (TOPICS.call_graph, [encode(CallGraph("graph", name, "prod", [call(3)]))]),
        (TOPICS.deliveries, [_delivery(name, "delivered"), _delivery(name, "given_up")]),
        (TOPICS.maintenance, [encode(Maintenance("window", BEGIN_S, BEGIN_S * 2, name, "prod", note=name, by=name))]),
    ):
        write(store, topic, values)
    _keep(store, event.id, name, segments)
    refuse(store, name)


def refuse(
    store: Store, name: str, value: bytes = b"", source: str = "tracehound.executions.v1", offset: int = 0
) -> None:
    """A dead letter, in which ``name`` stands everywhere; its id is ``letter_id``."""
    told = (value or name.encode(), name.encode(), source, 0, offset, 5, "decode", "InvalidJson", f"{name} is none.")
    letter = DeadLetter(*told, [(name, name.encode())])
    place = (TOPICS.dead_letters.name, 0, offset, BEGIN_US)
    writer = writers(TOPICS)[TOPICS.dead_letters.name]
    with store.write() as connection:
        writer.write(connection, [writer.row(Record(*place, letter.key, letter.value, letter.wire_headers()))])


def letter_id(store: Store) -> str:
    """The id of the last dead letter."""
    with store.read() as connection:
        return str(connection.execute(select(dead_letters.c.id).order_by(dead_letters.c.seq.desc())).scalar())


def _tuning(name: str) -> TuningTask:
    place = {"partition": 0, "first": 0, "last": 9, "most_cpu_s": 1.0, "expires_at": BEGIN_S}
    whose = {
        "id": name[:100],
        "tuning": name[:100],
        "number": 0,
        "application": name,
        "environment": "prod",
        "settings": {name[:9]: 5.0},
        "by": name,
    }
    return msgspec.convert({**place, **whose}, TuningTask)


def _delivery(name: str, outcome: DeliveryOutcome) -> bytes:
    event = msgspec.json.decode(delivery(1, outcome), type=DeliveryEvent)
    event.data.incident_id = event.data.receiver = name
    event.data.reason = event.data.reason and name
    return encode(event)


def write(store: Store, topic: Topic, values: list[bytes]) -> None:
    writer = writers(TOPICS)[topic.name]
    with store.write() as connection:
        writer.write(connection, [writer.row(record(topic.name, value)) for value in values])


def _keep(store: Store, anomaly_id: str, name: str, segments: int) -> None:
    """Pages of items and a call whose callee was quick: half of it is a call gap."""
    items = [Segment(f"SELECT {name}", 2.0, "db", offset_ms=3.0 * number) for number in range(segments)]
    call = Segment(f"GET {name}", 400.0, "http", offset_ms=3.0 * segments, peer="stock", remote_ms=40.0, status="error")
    slow = Execution(name, f"GET {name}", BEGIN_S, 3.0 * segments + 450.0, segments=[*items, call], trace_id=name)
    usual = Execution(name, f"GET {name}", BEGIN_S, 100.0, segments=[msgspec.structs.replace(call, duration_ms=50.0)])
    with store.write() as connection:
        connection.execute(
            insert(exemplars).values(
                **{"anomaly_id": anomaly_id, "time_us": BEGIN_US, "application": name, "environment": "prod"},
                **{"operation": f"GET {name}", "trace_id": name, "bytes": 1},
                execution=msgspec.json.encode(slow).decode(),
                usual=msgspec.json.encode(usual).decode(),
            )
        )
