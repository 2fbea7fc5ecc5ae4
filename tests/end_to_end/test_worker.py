"""Worker processes against a broker: executions in, anomalies out, whatever comes in between."""

import json
import random
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient, NewTopic

from tests.end_to_end.conftest import wait_until_within

wait_until = partial(wait_until_within, timeout_s=120.0)

StartWorker = Callable[..., Any]
ON_APACHE_KAFKA = pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
NOW_S = time.time()


def execution(number: int, application: str = "shop", **fields: Any) -> dict[str, Any]:
    return {
        "application": application,
        "operation": "GET /cart",
        "started_at": NOW_S - 600 + number * 0.005,
        "duration_ms": random.Random(number).uniform(80.0, 120.0),
        "trace_id": f"{application}-{number}",
        **fields,
    }


def record(content: object, key: str | None = "shop") -> tuple[bytes | None, bytes]:
    return (None if key is None else key.encode(), json.dumps(content).encode())


def headers(message: Message) -> dict[str, str]:
    return {name: value.decode(errors="replace") for name, value in message.headers() or []}


def test_a_slow_execution_becomes_an_anomaly(field: Any, worker: StartWorker) -> None:
    process = worker(field.environment)
    field.send([record(execution(number)) for number in range(400)])
    field.send([record([execution(400, duration_ms=60_000.0, trace_id="slow"), execution(401)])])

    def has_slow(found: list[Message]) -> bool:
        return any("slow" in json.loads(one.value())["data"]["exemplar_trace_ids"] for one in found)

    anomaly = field.read(field.topics.anomalies.name, has_slow)[-1]
    assert anomaly.key() == b"shop"
    assert headers(anomaly)["content-type"] == "application/cloudevents+json"
    progress = field.read(
        field.topics.progress.name, lambda found: sum(json.loads(one.value())["executions"] for one in found) == 402
    )
    assert {one.key() for one in progress} == {b"shop"}
    assert process.get("/readyz") == (200, '{"ok": true, "partitions": [0, 1, 2, 3]}')
    assert process.get("/livez")[0] == 200
    assert process.counted("executions_total") == 402
    assert process.counted("anomalies_total") >= 1
    assert process.counted("lag_records") == 0
    assert process.end() == 0
    assert process.said("worker_stopped") is not None
    assert [line for line in process.raw if not line.startswith("{")] == []


BAD: dict[str, bytes | None] = {
    "NullValue": None,
    "InvalidUtf8": b'{"application": "\xff"}',
    "InvalidJson": b"{nonsense",
    "InvalidField": json.dumps(execution(0, duration_ms="long")).encode(),
    "MissingField": b'{"application": "shop"}',
    "FutureTime": json.dumps(execution(0, started_at=NOW_S + 86_400)).encode(),
    "OversizedEvent": json.dumps(execution(0, attributes={"blob": "x" * 5_000_000})).encode(),
    "TooManySegments": json.dumps(execution(0, segments=[{"name": "s", "duration_ms": 1}] * 5_001)).encode(),
}


def test_every_bad_record_ends_in_its_place_and_the_worker_goes_on(field: Any, worker: StartWorker) -> None:
    process = worker(field.environment)
    nan = json.dumps(execution(1)).replace(str(execution(1)["duration_ms"]), "NaN").encode()
    mixed = [execution(2), execution(3, duration_ms=-1.0), "nonsense", execution(4)]
    field.send([(b"shop", value) for value in BAD.values()])
    field.send([(b"shop", nan), record(mixed), (None, b"[]"), (None, None)])
    field.send([record(execution(5), key="other"), record(execution(6), key=None), (b"\xff", b"\x00")])
    field.send([record(execution(7), key="shop")])
    wait_until(lambda: process.counted("executions_total") == 5, "the good ones were scored")
    letters = field.read(field.topics.dead_letters.name, lambda found: len(found) >= len(BAD) + 5)
    told: dict[str, list[Message]] = {}
    for letter in letters:
        told.setdefault(headers(letter)["tracehound_error"], []).append(letter)
    for error, value in BAD.items():
        assert any(letter.value() == value and letter.key() == b"shop" for letter in told[error]), error
    assert {letter.value() for letter in letters} >= {nan, b"\x00"}
    elements = [
        json.loads(letter.value()) for letter in letters if headers(letter)["tracehound_reason"].startswith("El")
    ]
    assert sorted(map(str, elements)) == sorted(map(str, [[mixed[1]], [mixed[2]]]))
    assert all(headers(letter)["tracehound_topic"] == field.topics.executions.name for letter in letters)
    assert process.counted("dead_letters_total") == len(letters)
    assert process.get("/livez")[0] == 200
    assert process.end() == 0
    assert process.said("worker_failed") is None


@ON_APACHE_KAFKA
def test_records_on_any_partition_are_learned_once_and_in_the_right_one(field: Any, worker: StartWorker) -> None:
    process = worker(field.environment)
    for partition in range(4):
        field.send([record(execution(number)) for number in range(100)], partition=partition)
    wait_until(lambda: process.counted("executions_total") == 400, "all were scored")
    assert process.counted("forwarded_total") == 300
    assert process.counted("applications") == 1
    assert process.counted("duplicates_skipped_total") == 0
    assert process.end(signal.SIGINT) == 0


@ON_APACHE_KAFKA
def test_100_000_distinct_operations_are_a_bounded_burden(field: Any, worker: StartWorker) -> None:
    process = worker(field.environment)
    batches = [
        [execution(number, operation=f"job-{chr(97 + number % 26)}{'x' * (number % 7)} {number}k") for number in block]
        for block in (range(start, start + 1_000) for start in range(0, 100_000, 1_000))
    ]
    field.send([record(batch) for batch in batches])
    wait_until(lambda: process.counted("executions_total") == 100_000, "all were scored", timeout_s=300)
    assert process.counted("models") <= 2_100
    progress = field.read(
        field.topics.progress.name, lambda found: sum(json.loads(one.value())["executions"] for one in found) == 100_000
    )
    assert max(len(json.loads(one.value())["operations"]) for one in progress) <= 2_001
    assert process.end() == 0


def test_a_second_worker_takes_its_share(field: Any, worker: StartWorker) -> None:
    applications = [f"app-{number}" for number in range(20)]

    def send(count: int) -> None:
        field.send([record(execution(n, application=a), key=a) for n in range(count) for a in applications])

    first = worker(field.environment)
    send(20)
    wait_until(lambda: first.counted("executions_total") == 400, "the first scored all")
    second = worker(field.environment)
    second.wait_for("worker_ready")
    wait_until(lambda: first.counted("applications") < 20, "the first gave applications up")
    kept = first.counted("applications")
    send(20)
    wait_until(
        lambda: first.counted("executions_total") + second.counted("executions_total") >= 800, "both scored the rest"
    )
    assert second.counted("executions_total") > 0
    assert first.counted("applications") == kept
    assert kept + second.counted("applications") == 20
    mine, its = (json.loads(one.get("/readyz")[1])["partitions"] for one in (first, second))
    assert sorted(mine + its) == [0, 1, 2, 3]
    assert len(mine) == len(its) == 2
    assert second.end() == 0
    wait_until(lambda: first.get("/readyz")[1] == '{"ok": true, "partitions": [0, 1, 2, 3]}', "the first has all again")
    assert first.end() == 0


@ON_APACHE_KAFKA
def test_a_restarted_worker_repeats_nothing(field: Any, worker: StartWorker) -> None:
    first = worker(field.environment)
    field.send([record(execution(number)) for number in range(300)])
    wait_until(lambda: first.counted("executions_total") == 300, "all were scored")
    assert first.end() == 0
    second = worker(field.environment)
    field.send([record(execution(number)) for number in range(300, 350)])
    wait_until(lambda: second.counted("executions_total") == 50, "the new ones were scored")
    assert second.end() == 0
    progress = field.read(
        field.topics.progress.name, lambda found: sum(json.loads(one.value())["executions"] for one in found) >= 350
    )
    assert sum(json.loads(one.value())["executions"] for one in progress) == 350


def test_an_unreachable_broker_is_named_and_waited_for(worker: StartWorker) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = worker({"KAFKA_BOOTSTRAP_SERVERS": address})
    line = process.wait_for("broker_unreachable")
    assert address in line["sentence"]
    assert process.get("/readyz")[0] == 503
    assert process.get("/livez")[0] == 200
    wait_until(lambda: sum(one["event"] == "broker_unreachable" for one in process.log) >= 2, "it tried again")
    assert process.end() == 0
    assert "Traceback" not in "".join(process.raw)


@pytest.mark.parametrize(
    ("name", "value", "setting"),
    [
        ("TRACEHOUND_MAX_SEGMENTS", "many", "max_segments"),
        ("TRACEHOUND_HTTP_PORT", "70000", "http_port"),
        ("KAFKA_BOOTSTRAP_SERVERS", "nowhere", "bootstrap_servers"),
    ],
)
def test_a_wrong_setting_is_named_and_the_worker_refuses_to_start(
    name: str, value: str, setting: str, worker: StartWorker
) -> None:
    code = (
        "import sys; from tracehound.streams.settings.settings import load_settings; "
        "from tracehound.streams.worker.worker import run_worker\n"
        "from tracehound.schemas.errors import ConfigurationError\n"
        "from tracehound.streams.scoring.app import build_scoring\n"
        "try: sys.exit(run_worker(load_settings(), build_scoring))\n"
        "except ConfigurationError as error: sys.stderr.write(str(error)); sys.exit(2)"
    )
    process = worker({name: value}, code=code)
    assert process.wait() == 2
    assert setting in "".join(process.raw)
    assert "Traceback" not in "".join(process.raw)


def test_a_port_in_use_is_named(worker: StartWorker) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = worker({"TRACEHOUND_HTTP_PORT": str(taken.getsockname()[1])})
        assert process.wait() == 2
    assert "http_port" in process.wait_for("configuration_error")["sentence"]


@ON_APACHE_KAFKA
def test_missing_topics_and_wrong_partition_counts_are_named(field: Any, worker: StartWorker) -> None:
    other = field.topics.prefix + "other."
    admin = AdminClient(dict(field.broker.client_config))
    admin.create_topics([NewTopic(other + "executions.v1", 3, 1)])[other + "executions.v1"].result(120)
    process = worker({**field.environment, "TRACEHOUND_TOPIC_PREFIX": other})
    assert process.wait() == 2
    sentence = process.said("configuration_error")["sentence"]
    assert f"{other}anomalies.v1" in sentence
    assert "has 3 partitions" in sentence


@ON_APACHE_KAFKA
def test_a_fatal_error_ends_the_worker_with_a_status_that_says_so(field: Any, worker: StartWorker) -> None:
    code = (
        "import sys\n"
        "from tracehound.streams.scoring import app\n"
        "from tracehound.streams.worker import worker\n"
        "from tracehound.streams.settings.settings import load_settings\n"
        "def build(settings):\n"
        "    built = app.build_scoring(settings)\n"
        "    async def fail(): raise RuntimeError('on purpose')\n"
        "    built.app.task(fail)\n"
        "    return built\n"
        "sys.exit(worker.run_worker(load_settings(), build))"
    )
    process = worker(field.environment, code=code)
    assert process.wait() == 1
    assert "on purpose" in process.said("worker_failed")["sentence"]
