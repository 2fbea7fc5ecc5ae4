"""Intake workers on Kafka: the same executions as offline, whatever is killed, moved or repeated."""

import json
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message, Producer

from tests.end_to_end.conftest import wait_until_within
from tests.joined_traces import Emitted, Key, expected_of, traces, without_parents
from tracehound.scripts.recorded.otlp_encoding import encode_json, encode_protobuf
from tracehound.scripts.recorded.otlp_sending import OtlpSender
from tracehound.scripts.recorded.otlp_spans import spans_of_trace
from tracehound.streams.intake.assembly.executions import Trace

wait_until = partial(wait_until_within, timeout_s=180.0)

ON_APACHE_KAFKA = pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
INTAKE = (
    "import sys; from tracehound.streams.settings.settings import load_settings; "
    "from tracehound.streams.worker.worker import run_worker; "
    "from tracehound.streams.intake.app import build_intake; sys.exit(run_worker(load_settings(), build_intake))"
)
Start = Callable[..., Any]


class Intake:
    """A field with intake workers: what is sent as OTLP, and what they emit."""

    def __init__(self, field: Any, worker: Start) -> None:
        self.field = field
        self._worker = worker
        self._producer = Producer(field.broker.client_config)
        self.topic = field.topics.otlp[0]

    def start(self, **more: str) -> Any:
        environment = {
            **self.field.environment,
            "TRACEHOUND_INTAKE__OTLP_TOPICS": self.topic.name,
            "TRACEHOUND_INTAKE__GROUP_ID": self.field.topics.prefix + "intake",
            "TRACEHOUND_INTAKE__TRACE_WAIT_S": "4",
            "TRACEHOUND_INTAKE__INCOMPLETE_TRACE_WAIT_S": "8",
            "TRACEHOUND_INTAKE__SOURCE_PATIENCE_S": "30",
            "TRACEHOUND_INTAKE__TICK_INTERVAL_S": "0.2",
            "TRACEHOUND_INTAKE__CHECKPOINT_INTERVAL_S": "0.5",
        }
        return self._worker({**environment, **more}, code=INTAKE)

    def send(self, sent: Sequence[Trace], encode: Any = encode_protobuf, batch: int = 50, pace_s: float = 0.0) -> None:
        sender = OtlpSender(self._producer, self.topic, encode, batch)
        for number, one in enumerate(sent):
            sender.send_trace(one)
            if pace_s and number % 20 == 19:
                sender.flush()
                time.sleep(pace_s)
        sender.close()

    def emitted(self, wanted: Iterable[Key], timeout_s: float = 120.0) -> Emitted:
        """All that was emitted, once everything wanted is there and the rest had time to come too."""
        missing = set(wanted)
        topics = self.field.topics
        found = Emitted(topics.spans.name, topics.partitions)
        seen = 0

        def enough(messages: list[Message]) -> bool:
            nonlocal seen
            for message in messages[seen:]:
                headers = message.headers() or []
                missing.difference_update(found.note(message.key(), message.value(), headers, time.time()))
            seen = len(messages)
            return not missing

        self.field.read(self.field.topics.executions.name, enough, timeout_s)
        return found


@pytest.fixture
def intake(field: Any, worker: Start) -> Intake:
    return Intake(field, worker)


def shared(workers: Sequence[Any], partitions: int) -> bool:
    """Whether each worker has partitions of the spans topic, and all are taken."""
    owned = []
    for worker in workers:
        status, body = worker.get("/readyz")
        owned.append(json.loads(body)["partitions"] if status == 200 else [])
    return all(owned) and sorted(chain.from_iterable(owned)) == list(range(partitions))


@pytest.mark.parametrize("encode", [encode_protobuf, encode_json])
def test_one_worker_emits_what_the_offline_conversion_gives(intake: Intake, encode: Any) -> None:
    worker = intake.start()
    worker.wait_for("worker_ready")
    sent = traces(200)
    expected = expected_of(sent)
    intake.send(sent, encode)
    emitted = intake.emitted(expected)
    assert emitted.once() == without_parents(expected)
    assert emitted.repeated == 0
    assert any(segment.remote_ms for one in expected.values() for segment in one.segments)
    assert worker.end() == 0


def test_what_cannot_be_used_is_buried_and_its_neighbours_are_joined(intake: Intake) -> None:
    """Garbage, a bad span among good ones, a trace in a circle, native executions without a trace id."""
    worker = intake.start()
    worker.wait_for("worker_ready")
    sent = traces(3)
    good = [exported for one in sent for exported in spans_of_trace(one)]
    resource, spans = good[0]
    bad = msgspec.structs.replace(spans[0], span_id="00000000000000aa", start_ns=9_000_000_000, end_ns=5)
    circle = [
        msgspec.structs.replace(spans[0], trace_id="f" * 32, span_id=one, parent_id=other, kind="internal")
        for one, other in (("0" * 15 + "1", "0" * 15 + "2"), ("0" * 15 + "2", "0" * 15 + "1"))
    ]
    record = encode_protobuf([*good, (resource, [bad]), (resource, circle)])
    native = json.dumps(
        [
            {"application": "job", "operation": "nightly", "started_at": time.time(), "duration_ms": 5.0, **ids}
            for ids in ({"trace_id": sent[0].trace_id, "span_id": "native"}, {})
        ]
    )
    producer = Producer(intake.field.broker.client_config)
    producer.produce(intake.topic.name, b"\x00neither Protobuf nor JSON", b"k")
    producer.produce(intake.topic.name, record)
    producer.produce(intake.field.topics.traces.name, native, sent[0].trace_id)
    assert producer.flush(120) == 0
    expected = without_parents(expected_of(sent))
    emitted = intake.emitted({*expected, (sent[0].trace_id, "native")}).once()
    assert {key: one for key, one in emitted.items() if key in expected} == expected
    assert len(emitted) == len(expected) + 1
    letters = intake.field.read(intake.field.topics.dead_letters.name, lambda found: len(found) >= 4)
    buried = {dict(letter.headers())["tracehound_error"].decode(): letter for letter in letters}
    assert buried.keys() == {"InvalidProtobuf", "InvalidSpan", "CyclicTrace", "MissingField"}
    assert (buried["InvalidProtobuf"].key(), buried["InvalidProtobuf"].value()[:1]) == (b"k", b"\x00")
    assert b"ffffffffffffffff" in buried["CyclicTrace"].key()
    assert worker.end() == 0


def test_a_missing_topic_is_named(intake: Intake) -> None:
    worker = intake.start(TRACEHOUND_INTAKE__OTLP_TOPICS="nobody.writes.here")
    assert worker.wait(120) == 2
    assert "'nobody.writes.here' does not exist" in worker.said("configuration_error")["sentence"]


@ON_APACHE_KAFKA
def test_killed_workers_lose_nothing_and_emit_no_part_of_a_trace(intake: Intake) -> None:
    """Two workers under steady traffic; kill -9 of one, then of the other and only one, in mid-trace."""
    workers = [intake.start(), intake.start()]
    wait_until(lambda: shared(workers, intake.field.topics.partitions), "the workers share the partitions")
    sent = traces(1_200)
    expected = expected_of(sent)
    intake.send(sent[:400], pace_s=0.1)
    workers[0].kill()
    intake.send(sent[400:800], encode_json, pace_s=0.1)
    wait_until(lambda: shared(workers[1:], intake.field.topics.partitions), "the other has taken over")
    more = 800
    while not workers[1].counted("open_traces"):  # until it is in the midst of some
        intake.send(sent[more : more + 20])
        more += 20
    workers[1].kill()
    intake.send(sent[more:], pace_s=0.05)
    last = intake.start()
    emitted = intake.emitted(expected)
    wait_until(lambda: last.counted("open_traces") == 0, "everything is closed")
    emitted = intake.emitted(expected)
    assert emitted.once() == without_parents(expected)
    assert last.end() == 0


@ON_APACHE_KAFKA
def test_workers_that_come_and_go_repeat_nothing(intake: Intake) -> None:
    """A rolling restart by SIGTERM, with traces open all the time: checkpoints at the hand-over make it exact."""
    first = intake.start()
    first.wait_for("worker_ready")
    sent = traces(600)
    expected = expected_of(sent)
    intake.send(sent[:200], pace_s=0.1)
    second = intake.start()
    intake.send(sent[200:400], pace_s=0.1)
    wait_until(lambda: shared([first, second], intake.field.topics.partitions), "the workers share the partitions")
    assert first.end() == 0
    intake.send(sent[400:], pace_s=0.1)
    emitted = intake.emitted(expected)
    assert emitted.once() == without_parents(expected)
    assert second.end() == 0


@ON_APACHE_KAFKA
def test_a_stopped_worker_that_comes_back_does_no_harm(intake: Intake) -> None:
    """SIGSTOP for longer than the session: its successor goes on, and what the zombie writes counts once."""
    zombie, successor = intake.start(), intake.start()
    wait_until(lambda: shared([zombie, successor], intake.field.topics.partitions), "the workers share the partitions")
    sent = traces(600)
    expected = expected_of(sent)
    intake.send(sent[:200], pace_s=0.1)
    zombie.signal(signal.SIGSTOP)
    intake.send(sent[200:400], pace_s=0.1)
    wait_until(lambda: shared([successor], intake.field.topics.partitions), "the successor has everything")
    zombie.signal(signal.SIGCONT)
    intake.send(sent[400:], pace_s=0.1)
    emitted = intake.emitted(expected)
    assert emitted.once() == without_parents(expected)
