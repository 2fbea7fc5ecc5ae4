"""Applications that know nothing of tracehound report to a gateway on a real Kafka, and their slow call is told."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import PARTITIONS, Field, Gateway, WorkerProcess
from tests.tracers.real.certificate import certificate
from tests.tracers.real.conftest import REAL
from tests.tracers.real.slow_calls import Tracehound, shop_and_stock, transactions
from tests.tracers.real.tracers import REPORTING, TRANSACTIONS, Tracer
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.topics import Topics
from tracehound.streams.http.keys import new_key

COMMAND = "from tracehound.scripts.cli import main; main(['{}'])"
PREFIX = f"slow-calls-{os.getpid()}."


def need(program: str) -> None:
    if not os.environ.get(REAL) or not shutil.which(program):
        pytest.skip(f"really run by `make test-tracers`, where {program} is at hand")


@pytest.fixture(scope="module")
def tracehound(request: pytest.FixtureRequest) -> Iterator[Tracehound]:
    """Gateway, intake and worker as processes on a real Kafka, for all applications of this file."""
    need("bash")
    kafka: Broker = request.getfixturevalue("kafka")
    topics = Topics(PREFIX, PARTITIONS, (PREFIX + "otlp_spans",))
    kafka.create_topics(topics)
    field = Field(kafka, topics)
    environment = {
        **field.environment,
        "TRACEHOUND_INTAKE__OTLP_TOPICS": topics.otlp[0].name,
        "TRACEHOUND_INTAKE__GROUP_ID": PREFIX + "intake",
        "TRACEHOUND_INTAKE__TRACE_WAIT_S": "3",
        "TRACEHOUND_INTAKE__TICK_INTERVAL_S": "0.5",
        "TRACEHOUND_INTAKE__CHECKPOINT_INTERVAL_S": "0.5",
        "TRACEHOUND_INTAKE__HTTP_PORT": "0",
    }
    started = [WorkerProcess(environment, COMMAND.format(name)) for name in ("worker", "intake")]
    door = Gateway(field)
    try:
        for process in started:
            process.wait_for("worker_ready")
        door.process.wait_for("broker_reached")
        yield Tracehound(field, door, started[0])
    finally:
        for process in (door.process, *started):
            process.kill()


@pytest.mark.parametrize("tracer", REPORTING, ids=lambda tracer: tracer.name)
def test_a_slow_call_is_told(tracer: Tracer, tracehound: Tracehound, tmp_path: Path) -> None:
    need(tracer.install.split(maxsplit=1)[0])
    with shop_and_stock(tracer, tracehound, tmp_path) as (shop, make_slow):
        tracehound.wait_until_learned(shop)
        make_slow()
        anomaly = tracehound.told(
            lambda one: one["application"] == shop and one["kind"] == "latency" and "on the way" in one["reason"]
        )

    assert anomaly["operation"].lower().startswith("get /carts/")
    assert "calls to" in anomaly["reason"].lower()
    assert "stock" in anomaly["reason"]


@pytest.mark.parametrize("client", TRANSACTIONS, ids=lambda client: client.name)
def test_a_slow_query_is_told(
    client: Tracer, tracehound: Tracehound, real_program: Callable[..., str], tmp_path: Path
) -> None:
    need(client.install.split(maxsplit=1)[0])
    made, private = certificate(real_program("openssl"), tmp_path)
    key = new_key()
    keys = json.dumps({key.prefix: {"sha256": key.sha256, "application": client.program}})
    door = Gateway(tracehound.field, keys=keys, tls_certificate_file=str(made), tls_key_file=str(private))
    given = {"PORT": door.address.rpartition(":")[2], "KEY": key.key, "NODE_EXTRA_CA_CERTS": str(made)}
    try:
        door.process.wait_for("broker_reached")
        with transactions(client, given) as make_slow:
            tracehound.wait_until_learned(client.program)
            make_slow()
            anomaly = tracehound.told(
                lambda one: (
                    (one["application"], one["kind"]) == (client.program, "latency") and "SELECT cart" in one["reason"]
                )
            )
    finally:
        door.process.kill()

    assert anomaly["operation"] == "GET /cart"
    assert anomaly["typical"] < 100 < anomaly["actual"]


def test_a_log_event_of_curl_is_scored_and_given_a_severity(tracehound: Tracehound) -> None:
    need("curl")
    event = json.dumps({"message": "CPU spike detected", "level": "warning"})
    command = ["curl", "--silent", "--fail", f"http://{tracehound.door.address}/log", "--json", event]

    said = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout

    (identifier,) = json.loads(said)["ids"]
    (record,) = tracehound.field.read(tracehound.field.topics.scored_logs.name, lambda found: len(found) >= 1)
    scored = json.loads(record.value())["data"]
    assert (scored["id"], scored["application"], scored["severity"]) == (identifier, "system", "minor")
    assert scored["message"] == scored["template"] == "CPU spike detected"
