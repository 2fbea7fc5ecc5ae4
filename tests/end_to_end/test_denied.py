"""A real Kafka with an authorizer: each permission by itself that is lacking is said, and nothing waits for it."""

import json
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from pydantic import SecretStr

from tests.end_to_end.conftest import WorkerProcess, wait_until_within
from tests.end_to_end.guarded import PREFIX, Guarded, environment, guarded_broker
from tracehound.infra.kafka import access
from tracehound.schemas.dead_letter import DeadLetter
from tracehound.streams.kafka.permissions import lacking_sentences
from tracehound.streams.settings.roles import roles
from tracehound.streams.settings.settings import Settings

GIVEN = Settings(topic_prefix=PREFIX)


@pytest.fixture(scope="module")
def guarded(broker_program: object) -> Iterator[Guarded]:
    with guarded_broker() as addresses:
        for role, needed in roles(GIVEN).items():
            access.grant(addresses.admin, f"User:{role}", list(needed.grants()))
        for role in roles(GIVEN):  # what was granted takes effect a little later
            wait_until_within(partial(has_all, addresses.servers, role), f"{role} has all", 120.0)
        yield addresses


def lacks(servers: str, role: str) -> list[str]:
    settings = Settings(
        bootstrap_servers=servers,
        topic_prefix=PREFIX,
        security_protocol="SASL_PLAINTEXT",
        sasl_username=role,
        sasl_password=SecretStr(f"{role}-secret"),
    )
    return lacking_sentences(settings, role, 60.0)


def has_all(servers: str, role: str) -> bool:
    return not lacks(servers, role)


def take_away(guarded: Guarded, role: str, grant: access.Grant) -> str:
    """Returns what is said then."""
    operation, kind, name = grant
    binding = AclBindingFilter(
        *(ResourceType[kind], name, ResourcePatternType.LITERAL, f"User:{role}", "*"),
        *(AclOperation[operation], AclPermissionType.ALLOW),
    )
    admin = AdminClient({"bootstrap.servers": guarded.admin})  # kept until the answers are there
    for future in admin.delete_acls([binding]).values():
        assert len(future.result()) == 1, grant
    wait_until_within(lambda: len(lacks(guarded.servers, role)) == 1, f"{role} lacks {grant}", 120.0)
    [sentence] = lacks(guarded.servers, role)
    return sentence


def give_back(guarded: Guarded, role: str, grant: access.Grant) -> None:
    access.grant(guarded.admin, f"User:{role}", [grant])
    wait_until_within(lambda: not lacks(guarded.servers, role), f"{role} has {grant}", 120.0)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("role", roles(GIVEN))
def test_each_permission_that_is_taken_away_is_named(guarded: Guarded, role: str) -> None:
    for grant in roles(GIVEN)[role].grants():
        sentence = take_away(guarded, role, grant)
        kind = "topic" if grant[1] == "TOPIC" else "consumer group"
        assert sentence.startswith(f"The user 'User:{role}' may not {grant[0]} the {kind} {grant[2]!r}; ")
        give_back(guarded, role, grant)


HEAVY = ("worker", "intake", "incidents", "console")
"""Take long to start, and ask as the others do: only ``make test-access`` starts them."""
ANNOUNCE = "maintenance add --for 1h --application x"
DENIED = [
    ("reader", "models list", [("READ", "model-states.v1")]),
    ("reader", "deadletters list", [("READ", "dead-letters.v1")]),
    ("reader", "incidents list", [("READ", "severity.v1")]),
    ("reader", "tail --from-beginning", [("READ", "anomalies.v1")]),
    ("reader", "status", [("READ", "progress.v1"), ("DESCRIBE", "executions.v1"), ("DESCRIBE", "tuning-tasks.v1")]),
    ("operator", "models reset shop --yes", [("READ", "model-states.v1")]),
    ("operator", "deadletters resend --all --yes", [("READ", "dead-letters.v1"), ("WRITE", "executions.v1")]),
    ("person", "maintenance list", [("READ", "maintenance.v1")]),
    ("person", ANNOUNCE, [("WRITE", "maintenance.v1")]),
    ("person", "feedback a-1 confirmed", [("READ", "anomalies.v1"), ("READ", "severity.v1")]),
    ("predictions", "score {} --timeout 2", [("READ", "score-answers.v1"), ("WRITE", "score-requests.v1")]),
    ("producer", "replay {}", [("WRITE", "executions.v1")]),
]
"""Role, command, and what it cannot do without."""


@pytest.mark.timeout(900)
def test_commands_that_are_denied_something_name_it(
    guarded: Guarded, command: Callable[..., Any], tmp_path: Path
) -> None:
    some = tmp_path / "some.jsonl"
    one = {"application": "x", "operation": "GET /", "started_at": time.time(), "duration_ms": 9.0}
    some.write_text(json.dumps(one) + "\n")
    letter = DeadLetter(b"{", b"x", GIVEN.topics.executions.name, 0, 7, 5, "decode", "InvalidJson", "Cut off.")
    producer = Producer({"bootstrap.servers": guarded.admin})
    producer.produce(GIVEN.topics.dead_letters.name, letter.value, letter.key, headers=letter.wire_headers())
    assert producer.flush(120) == 0
    announced = command(environment(guarded.servers, "person"), *ANNOUNCE.split())
    assert announced.exit_code == 0, announced.output
    for role, words, permissions in DENIED:
        for operation, topic in permissions:
            grant = (operation, "TOPIC", PREFIX + topic)
            sentence = take_away(guarded, role, grant)
            denied = command(environment(guarded.servers, role), *words.format(some).split())
            assert denied.exit_code != 0, (words, grant)
            assert "".join(sentence.split()) in "".join(denied.output.split()), (words, grant, denied.output)
            give_back(guarded, role, grant)


@pytest.mark.timeout(900)
def test_processes_that_lack_one_permission_end_with_a_sentence(
    guarded: Guarded, worker: Callable[..., WorkerProcess], tmp_path: Path
) -> None:
    topics = GIVEN.topics
    lacking = {
        ("worker", "worker"): ("WRITE", "TOPIC", topics.dead_letters.name),
        ("intake", "intake"): ("READ", "TOPIC", topics.join_checkpoints.name),
        ("incidents", "incidents"): ("READ", "GROUP", GIVEN.incident_worker.group_id),
        ("notify", "notify"): ("WRITE", "TOPIC", topics.deliveries.name),
        ("gateway", "gateway"): ("WRITE", "TOPIC", topics.log_events.name),
        ("console", "console"): ("WRITE", "TOPIC", topics.feedback.name),
        ("executions", "console', '--only', 'executions"): ("DESCRIBE", "TOPIC", topics.spans.name),
    }
    hook = '{hook = {kind = "webhook", url = "http://127.0.0.1:9/", secret_env = "HOOK_SECRET"}}'
    (tmp_path / "notify.toml").write_text(f"[notify]\nreceivers = {hook}\nroutes = [{{receivers = ['hook']}}]\n")
    started = []
    for (role, words), grant in lacking.items():
        if role in HEAVY and not os.environ.get("TRACEHOUND_EVERY_PROCESS"):
            continue
        sentence = take_away(guarded, role, grant)
        more = {"TRACEHOUND_CONSOLE__DATABASE_URL": f"sqlite:///{tmp_path}/{role}.db"}
        if role == "notify":
            more |= {"TRACEHOUND_CONFIG": str(tmp_path / "notify.toml"), "HOOK_SECRET": "s" * 24}
        code = f"from tracehound.scripts.cli import main; main(['{words}'])"
        started.append((worker(environment(guarded.servers, role) | more, code=code), sentence, role, grant))
    for process, sentence, role, grant in started:
        assert process.wait(300.0) == 2, process.raw[-20:]
        assert any(sentence in line for line in process.raw), process.raw[-20:]
        give_back(guarded, role, grant)
