"""A real Kafka with an authorizer: each process runs with what its role is granted, and says what it lacks."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from pydantic import SecretStr

from tests.end_to_end.conftest import WorkerProcess, wait_until_within
from tests.end_to_end.guarded import PREFIX, environment, guarded_broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.infra.kafka.topics import check_topics
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.topics import Topics
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.roles import roles
from tracehound.streams.settings.settings import Settings

RUN = "from tracehound.scripts.cli import main; main(['{}'])"


@pytest.fixture(scope="module")
def guarded(broker_program: object) -> Iterator[tuple[str, str]]:
    with guarded_broker() as addresses:
        yield addresses


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
    assert producer.flush(120) == 0


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
def test_what_serves_people_runs_with_what_its_roles_are_granted(
    guarded: tuple[str, str], command: Callable[..., Any], worker: Callable[..., WorkerProcess], tmp_path: Path
) -> None:
    admin, servers = guarded
    for role in roles(Settings()):
        assert command(environment(admin), "acls", role, role).exit_code == 0
    gateway_port, console_port = free_ports(2)
    gateway = worker(
        environment(servers, "gateway") | {"TRACEHOUND_GATEWAY__PORT": str(gateway_port)}, code=RUN.format("gateway")
    )
    console = worker(
        environment(servers, "console")
        | {
            "TRACEHOUND_CONSOLE__PORT": str(console_port),
            "TRACEHOUND_CONSOLE__DATABASE_URL": f"sqlite:///{tmp_path}/console.db",
        },
        code="from tracehound.scripts.cli import main; main(['console'])",
    )
    kept = worker(
        environment(servers, "executions") | {"TRACEHOUND_CONSOLE__DATABASE_URL": f"sqlite:///{tmp_path}/kept.db"},
        code="from tracehound.scripts.cli import main; main(['console', '--only', 'executions'])",
    )
    hook = '{hook = {kind = "webhook", url = "http://127.0.0.1:9/", secret_env = "HOOK_SECRET"}}'
    (tmp_path / "notify.toml").write_text(f"[notify]\nreceivers = {hook}\nroutes = [{{receivers = ['hook']}}]\n")
    notify = worker(
        environment(servers, "notify") | {"TRACEHOUND_CONFIG": str(tmp_path / "notify.toml"), "HOOK_SECRET": "s" * 24},
        code=RUN.format("notify"),
    )
    scoring = worker(environment(servers, "worker"), code=RUN.format("worker"))
    for process, ready in ((notify, "worker_ready"), (scoring, "worker_ready"), (kept, "keeping_executions")):
        process.wait_for(ready)
    before = scoring.counted("executions_total")
    one = {"application": "till", "operation": "GET /", "started_at": time.time(), "duration_ms": 9.0}
    wait_until_within(lambda: answered(gateway_port, "/readyz"), "the gateway is ready", 120.0)
    assert answered(gateway_port, "/v1/executions", json.dumps(one).encode())
    wait_until_within(lambda: scoring.counted("executions_total") == before + 1, "it is scored", 120.0)
    wait_until_within(lambda: answered(console_port, "/readyz"), "the console is ready", 120.0)

    (tmp_path / "asked.jsonl").write_text(json.dumps(one))
    asked = command(environment(servers, "predictions"), "score", str(tmp_path / "asked.jsonl"), "--timeout", "100")
    assert asked.exit_code == 0, asked.output
    window = ("maintenance", "add", "--for", "1h", "--application", "till")
    wait_until_within(  # an application is known once progress tells of it
        lambda: command(environment(servers, "person"), *window).exit_code == 0, "a window is announced", 120.0
    )
    denied = command(environment(servers, "reader"), *window)
    assert denied.exit_code != 0
    for process in (gateway, console, kept, notify, scoring):
        assert process.end() == 0, process.raw[-20:]


def answered(port: int, path: str, body: bytes | None = None) -> bool:
    """Whether a request is answered with success."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return bool(answer.status < 300)
    except OSError:
        return False


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ("nobody", "may not READ the topic 'acme.executions.v1'; grant access by: tracehound acls worker User:nobody"),
        ("groupless", "may not READ the consumer group 'tracehound-scoring'"),
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


@pytest.mark.timeout(300)
def test_commands_tell_a_wrong_password_without_waiting_for_what_no_waiting_mends(
    guarded: tuple[str, str], command: Callable[..., Any]
) -> None:
    _, servers = guarded
    wrong = environment(servers, "operator") | {"TRACEHOUND_SASL_PASSWORD": "guess"}
    with_it = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "operator"}
    config = {"bootstrap.servers": servers, **with_it, "sasl.password": "guess"}
    guessing = Settings(
        bootstrap_servers=servers,
        security_protocol="SASL_PLAINTEXT",
        sasl_username="operator",
        sasl_password=SecretStr("guess"),
    )
    with pytest.raises(BrokerError, match="uthentication"):
        check_topics(config, Topics(PREFIX, 2), timeout_s=100_000.0)
    with (
        TopicReader(guessing, timeout_s=100_000.0) as reader,
        pytest.raises(BrokerError, match="uthentication"),
    ):
        reader.partitions(Topics(PREFIX, 2).models.name)
    for arguments in (("models", "reset", "shop", "--yes"), ("models", "list"), ("topics",)):
        said = command(wrong, *arguments)
        assert said.exit_code != 0
        assert "uthentication" in said.output
        assert "guess" not in said.output


@pytest.mark.timeout(600)
def test_a_wrong_password_is_said(guarded: tuple[str, str], worker: Callable[..., WorkerProcess]) -> None:
    _, servers = guarded
    wrong = environment(servers, "worker") | {"TRACEHOUND_SASL_PASSWORD": "guess"}
    process = worker(wrong, code=RUN.format("worker"))
    said = process.wait_for("broker_unreachable", 120.0)
    assert "uthentication" in said["sentence"]
    assert "guess" not in said["sentence"]
    process.end()
