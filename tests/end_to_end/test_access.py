"""A real Kafka with an authorizer: each process runs with what its role is granted, and says what it lacks."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from tests.end_to_end.conftest import WorkerProcess, wait_until_within
from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.ports import free_ports
from tracehound.infra.kafka.topics import ensure_topics
from tracehound.schemas.topics import Topics
from tracehound.scripts.cli import main
from tracehound.streams.settings.roles import roles
from tracehound.streams.settings.settings import Settings

PREFIX = "acme."
USERS = [*roles(Settings()), "nobody", "groupless"]
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
RUN = "from tracehound.scripts.cli import main; main(['{}'])"


@pytest.fixture(scope="module")
def guarded(broker_program: object) -> Iterator[tuple[str, str]]:
    """Addresses of a broker for administrators, who may do all, and for users with a password, who may do nothing."""
    (port,) = free_ports(1)
    users = " ".join(f'user_{name}="{name}-secret"' for name in USERS)
    more = {
        "listeners": f"{{own}},SASL://127.0.0.1:{port}",
        "advertised.listeners": f"{{own}},SASL://127.0.0.1:{port}",
        "listener.security.protocol.map": "{own},SASL:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl.plain.sasl.jaas.config": f"{LOGIN} {users};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    with ApacheKafka(more=more) as cluster:
        ensure_topics(cluster.bootstrap_servers, Topics(PREFIX, 2), 1)
        yield cluster.bootstrap_servers, f"127.0.0.1:{port}"


def environment(servers: str, user: str = "") -> dict[str, str]:
    shared = {"KAFKA_BOOTSTRAP_SERVERS": servers, "TRACEHOUND_TOPIC_PREFIX": PREFIX, "TRACEHOUND_PARTITIONS": "2"}
    ports = {"TRACEHOUND_HTTP_PORT": "0", "TRACEHOUND_INTAKE__HTTP_PORT": "0"}
    ports |= {"TRACEHOUND_INCIDENT_WORKER__HTTP_PORT": "0", "TRACEHOUND_NOTIFY__HTTP_PORT": "0"}
    given = {
        "TRACEHOUND_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "TRACEHOUND_SASL_USERNAME": user,
        "TRACEHOUND_SASL_PASSWORD": f"{user}-secret",
    }
    return shared | ports | (given if user else {})


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def run(of: dict[str, str], *arguments: str) -> Any:
        with monkeypatch.context() as patched:
            for name, value in of.items():
                patched.setenv(name, value)
            return CliRunner().invoke(main, list(arguments))

    return run


def send(servers: str, count: int) -> None:
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "producer",
            "sasl.password": "producer-secret",
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
        }
    )
    for number in range(count):
        execution = {
            "application": "shop",
            "operation": "GET /",
            "started_at": time.time(),
            "duration_ms": 9 + number % 5,
        }
        producer.produce(Topics(PREFIX).executions.name, json.dumps(execution).encode(), b"shop")
    assert producer.flush(20) == 0


@pytest.mark.timeout(600)
def test_each_process_runs_with_what_its_role_is_granted(
    guarded: tuple[str, str], command: Callable[..., Any], worker: Callable[..., WorkerProcess]
) -> None:
    admin, servers = guarded
    for role in roles(Settings()):
        result = command(environment(admin), "acls", role, role)
        assert result.exit_code == 0, result.output
    started = {
        role: worker(environment(servers, role), code=RUN.format(role)) for role in ("worker", "intake", "incidents")
    }
    for process in started.values():
        process.wait_for("worker_ready", 120.0)
    send(servers, 30)
    wait_until_within(lambda: started["worker"].counted("executions_total") == 30, "all are scored", 120.0)

    def listed() -> str:
        return str(command(environment(servers, "reader"), "models", "list").output)

    wait_until_within(lambda: "1 of 1 applications" in listed(), "the models are stored", 120.0)
    reset = command(environment(servers, "operator"), "models", "reset", "shop", "--yes")
    assert reset.exit_code == 0, reset.output
    wait_until_within(lambda: "0 of 0 applications" in listed(), "the models are forgotten", 120.0)
    denied = command(environment(servers, "reader"), "models", "reset", "shop", "--yes")
    assert denied.exit_code != 0
    for role, process in started.items():
        assert process.end() == 0, role


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ("nobody", "this user may not see it; grant access by: tracehound acls"),
        ("groupless", "may not use the consumer group"),
    ],
)
def test_who_lacks_something_is_told_and_ended(
    guarded: tuple[str, str],
    command: Callable[..., Any],
    worker: Callable[..., WorkerProcess],
    user: str,
    sentence: str,
) -> None:
    admin, servers = guarded
    if user == "groupless":
        granted = {**environment(admin), "TRACEHOUND_GROUP_ID": "another"}
        assert command(granted, "acls", "worker", user).exit_code == 0
    process = worker(environment(servers, user), code=RUN.format("worker"))
    said = process.wait_for("configuration_error", 120.0)
    assert sentence in said["sentence"]
    assert process.wait() == 2


@pytest.mark.timeout(600)
def test_a_wrong_password_is_said(guarded: tuple[str, str], worker: Callable[..., WorkerProcess]) -> None:
    _, servers = guarded
    wrong = environment(servers, "worker") | {"TRACEHOUND_SASL_PASSWORD": "guess"}
    process = worker(wrong, code=RUN.format("worker"))
    said = process.wait_for("broker_unreachable", 120.0)
    assert "uthentication" in said["sentence"]
    assert "guess" not in said["sentence"]
    process.end()
