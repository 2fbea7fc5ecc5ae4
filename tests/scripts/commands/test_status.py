"""The command `status` against the embedded broker: what lacks, and what was found."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.scripts.conftest import Run
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.codec import encode
from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.model_event import ModelChange, ModelEvent
from tracehound.schemas.progress import Progress
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.status import status

Send = Callable[..., None]


class Ready(BaseHTTPRequestHandler):
    answer = (200, b'{"ok": true, "partitions": [0]}')

    def do_GET(self) -> None:
        code, body = self.answer
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Preparing(Ready):
    answer = (503, b'{"ok": false, "partitions": null, "preparing": true}')


@pytest.fixture(autouse=True)
def ports(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Ports on which nobody answers, whatever else runs on this machine."""
    workers = ("HTTP_PORT", "INTAKE__HTTP_PORT", "INCIDENT_WORKER__HTTP_PORT", "NOTIFY__HTTP_PORT")
    names = (*workers, "GATEWAY__PORT", "CONSOLE__PORT")
    found = dict(zip(names, free_ports(len(names)), strict=True))
    monkeypatch.setenv("TRACEHOUND_PARTITIONS", "3")
    monkeypatch.setenv("TRACEHOUND_INTAKE__OTLP_TOPICS", "")  # belong to no test
    for name, port in found.items():
        monkeypatch.setenv(f"TRACEHOUND_{name}", str(port))
    return found


@contextmanager
def answering(port: int, answer: type[Ready]) -> Iterator[None]:
    server = HTTPServer(("127.0.0.1", port), answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def worker(ports: dict[str, int], request: pytest.FixtureRequest) -> Iterator[None]:
    with answering(ports["HTTP_PORT"], getattr(request, "param", Ready)):
        yield


def lines(output: str) -> dict[str, str]:
    return {line[:13].strip(): line[13:] for line in output.splitlines()}


def test_topics_that_are_not_there_are_what_lacks(embedded_kafka: Broker, prefix: str, run: Run) -> None:
    result = run(status)

    assert result.exit_code == 1
    assert f"The topic '{prefix}executions.v1' does not exist; create it by: tracehound topics" in result.output
    own = [topic for topic in Topics(prefix).all() if not topic.foreign]
    assert f"and {len(own) - 3} more like these" in result.output
    assert "worker" not in lines(result.output)


def test_without_a_worker_nothing_is_scored(topics: Topics, run: Run) -> None:
    result = run(status)
    said = lines(result.output)

    assert result.exit_code == 1
    assert said["worker"] == "none is seen, and is needed for scoring: tracehound worker; 0 records to be read"
    assert said["executions"] == f"none are stored: publish some to {topics.executions.name}"
    assert said["anomalies"] == "none in the last 24 h"
    assert said["refused"] == "nothing in the last 24 h"


@pytest.mark.usefixtures("worker")
def test_what_was_found_is_counted_and_the_newest_is_told(
    topics: Topics,
    embedded_kafka: Broker,
    send: Send,
    run: Run,
    make_anomaly: Callable[..., AnomalyEvent],
) -> None:
    for number in range(3):
        send(topics.executions.name, b"{}", partition=0, key=b"%d" % number)
    consumer = Consumer({**embedded_kafka.client_config, "group.id": "tracehound-scoring"})
    consumer.commit(offsets=[TopicPartition(topics.executions.name, 0, 1)], asynchronous=False)
    consumer.close()
    scored = Progress("shop", "", "2026-01-01T00:00:00Z", 1, 0, 0, {"GET /": 1, "GET /cart": 1})
    send(topics.progress.name, msgspec.json.encode(scored))
    ready = ModelChange("shop", "", "GET /", "chart", "ready", 30, 0, "Ready.")
    send(topics.models.name, encode(ModelEvent("m", "/s", "t", "shop", "2026-01-01T00:00:00Z", ready)))
    send(topics.anomalies.name, encode(make_anomaly("shop", "latency", 1.0, id="0123456789", reason="Slow.")))
    day_ago_ms = int((time.time() - 90_000) * 1000)
    send(topics.anomalies.name, encode(make_anomaly("shop", "latency", 0.0, id="old")), timestamp=day_ago_ms)
    letter = DeadLetter(b"{", b"shop", topics.executions.name, 0, 7, 5, "decode", "InvalidJson", "Cut \x1b[31moff.")
    send(topics.dead_letters.name, b"{", headers=letter.wire_headers(), partition=2)

    result = run(status, catch_exceptions=False)
    said = lines(result.output)

    assert result.exit_code == 0, result.output
    assert said["worker"].startswith("one here at port ")
    assert said["worker"].endswith(", ready; 2 records to be read")
    assert said["executions"].startswith("3 records are stored, the newest of 20")
    assert said["models"] == "1 application; 1 of 2 operations judged, the others have too few executions yet"
    assert said["anomalies"] == "1 minor in the last 24 h; the newest: 01234567 shop: Slow."
    assert said["incidents"] == "0 of 0 are not resolved"
    assert said["refused"].startswith("1 in the last 24 h; the newest: 2-0 InvalidJson: Cut \\x1b[31moff.")


@pytest.mark.usefixtures("worker", "topics")
@pytest.mark.parametrize("worker", [Preparing], indirect=True)
def test_a_worker_that_compiles_says_so(run: Run) -> None:
    assert "compiling its kernels" in lines(run(status).output)["worker"]


class CannotSend(Ready):
    answer = (503, b'{"ok": false, "faults": ["Kafka does not answer."]}')


class Foreign(Ready):
    answer = (404, b"404 page not found")


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Ready, "one here at port {port}, ready"),
        (CannotSend, "one here at port {port}, not ready: Kafka does not answer."),
        (Foreign, "none is seen here, and is needed for sending over HTTP: tracehound gateway"),
    ],
)
def test_a_gateway_on_this_machine_is_seen(ports: dict[str, int], run: Run, answer: type[Ready], told: str) -> None:
    port = ports["GATEWAY__PORT"]
    with answering(port, answer):
        assert lines(run(status).output)["gateway"] == told.format(port=port)


@pytest.mark.usefixtures("topics")
def test_a_console_on_this_machine_is_seen(ports: dict[str, int], run: Run) -> None:
    said = "none is seen here, and is needed for the page and the API: tracehound console"
    assert lines(run(status).output)["console"] == said
    with answering(ports["CONSOLE__PORT"], Ready):
        assert lines(run(status).output)["console"] == f"one here at port {ports['CONSOLE__PORT']}, ready"


def test_on_a_real_broker_the_members_of_groups_are_counted(kafka: Broker, prefix: str, run: Run) -> None:
    topics = Topics(prefix, 3, ())
    kafka.create_topics(topics)
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TRACEHOUND_GROUP_ID": prefix,
    }
    assert "none is seen" in lines(run(status, env=environment).output)["worker"]
    consumer = Consumer({**kafka.client_config, "group.id": prefix})
    consumer.subscribe([topics.executions.name])
    while not consumer.assignment():
        consumer.poll(0.1)

    result = run(status, env=environment)
    consumer.close()

    assert lines(result.output)["worker"] == f"1 in the group {prefix!r}; 0 records to be read"
    assert result.exit_code == 0, result.output


def test_no_broker_is_a_sentence(run: Run) -> None:
    with pytest.raises(Exception, match=r"No Kafka broker answers at 127\.0\.0\.1:1 "):
        run(status, env={"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, catch_exceptions=False)
