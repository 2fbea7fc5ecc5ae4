"""The partition count grows: `tracehound migrate` takes everything along to new topics, and nothing is lost."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner

from tests.end_to_end.conftest import Field, wait_until_within
from tracehound.detectors.scoring import snapshot as application_snapshot
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.maintenance import maintenance
from tracehound.scripts.commands.migrate import migrate
from tracehound.scripts.commands.stored_states import stored_states
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.kafka.forwarding import Partitioner
from tracehound.streams.settings.settings import Settings

eventually = partial(wait_until_within, timeout_s=180.0)
APPLICATIONS = [f"application-{number}" for number in range(4)]
START_S = 1_790_000_000.0
RUN_INCIDENTS = "from tracehound.scripts.cli import main; main(['incidents'])"

Start = Callable[..., Any]


@pytest.fixture
def field(kafka: Broker, prefix: str) -> Field:
    """A real Apache Kafka alone, which has groups with members, and topics with ids."""
    topics = Topics(prefix, 2, (prefix + "otlp_spans",))
    kafka.create_topics(topics)
    return Field(kafka, topics)


@pytest.fixture
def grown(field: Field) -> Field:
    """The same broker, with topics of three times as many partitions under another prefix."""
    old = field.topics
    topics = Topics(f"{old.prefix}grown.", 3 * old.partitions, (f"{old.prefix}grown.otlp_spans",))
    field.broker.create_topics(topics)
    return replace(field, topics=topics)


def environment(field: Field, group: str) -> dict[str, str]:
    """As an operator has it who changes prefix and count, and nothing else."""
    own = {"TRACEHOUND_SAVE_INTERVAL_S": "0.3", "TRACEHOUND_INTAKE__OTLP_TOPICS": field.topics.otlp_names[0]}
    groups = {"TRACEHOUND_GROUP_ID": group, "TRACEHOUND_INCIDENT_WORKER__GROUP_ID": f"{group}-incidents"}
    groups["TRACEHOUND_INCIDENT_WORKER__HTTP_PORT"] = "0"
    return {**field.environment, **own, **groups}


def executions(first: int, count: int, slow_from: int | None = None) -> list[tuple[bytes, bytes]]:
    records = []
    for number in range(first, first + count):
        for application in APPLICATIONS:
            slow = slow_from is not None and number >= slow_from and application == APPLICATIONS[0]
            about = {"operation": "GET /", "trace_id": f"{number}", "started_at": START_S + number}
            told = {"application": application, "duration_ms": 20_000.0 if slow else 10.0 + number % 7, **about}
            records.append((application.encode(), json.dumps(told).encode()))
    return records


def learned(field: Field) -> dict[str, int]:
    """What is stored of each application, which must be in the partition that its name says."""
    settings = Settings(bootstrap_servers=field.broker.bootstrap_servers, topic_prefix=field.topics.prefix)
    topic = field.topics.model_states
    with TopicReader(settings) as reader:
        found, unusable = stored_states(reader.scan(topic.name, reader.ends(topic.name)))
    assert not unusable
    right = Partitioner(topic.partitions).partition_of
    assert [one for key, one in found.items() if one.partition != right(key[0])] == []
    return {key[0]: application_snapshot.read(one.state.snapshot).numbers.seen for key, one in found.items()}


def told(field: Field, topic: str, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    found = field.read(topic, lambda found: enough([json.loads(one.value()) for one in found]), 180.0)
    return [json.loads(one.value()) for one in found]


def opened(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["data"]["incident_id"] for event in events if ".opened." in event["type"]]


def test_models_incidents_and_maintenance_move_and_nothing_is_lost(
    field: Field, grown: Field, worker: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = f"{field.topics.prefix}group"

    def run(command: Any, *arguments: str) -> str:
        result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    for name, value in environment(field, group).items():
        monkeypatch.setenv(name, value)
    run(maintenance, "add", "--application", APPLICATIONS[1], "--for", "1h")
    old = [worker(environment(field, group)), worker(environment(field, group), code=RUN_INCIDENTS)]
    field.send(executions(0, 400, slow_from=380))
    [incident] = opened(told(field, field.topics.severity.name, lambda events: bool(opened(events))))
    eventually(lambda: learned(field) == dict.fromkeys(APPLICATIONS, 400), "the old ones have learned all")
    grown.send(executions(400, 100))  # who sends is moved, and finds nobody there

    for name, value in environment(grown, group).items():
        monkeypatch.setenv(name, value)
    assert [process.end() for process in old] == [0, 0]
    move = ("--from-prefix", field.topics.prefix)
    said = run(migrate, *move)
    assert said == run(migrate, *move)  # interrupted ones are begun again
    assert "Took 4 applications, 0 settings, 1 maintenance windows and the incidents" in said
    assert learned(grown) == dict.fromkeys(APPLICATIONS, 400)
    assert APPLICATIONS[1] in run(maintenance, "list")

    new = [worker(environment(grown, group)), worker(environment(grown, group), code=RUN_INCIDENTS)]
    eventually(lambda: learned(grown) == dict.fromkeys(APPLICATIONS, 500), "the new ones have gone on")

    def resolved(events: Sequence[dict[str, Any]]) -> bool:
        return any(".resolved." in one["type"] and one["data"]["incident_id"] == incident for one in events)

    sent = [500]

    def quiet_goes_on(events: Sequence[dict[str, Any]]) -> bool:
        if not resolved(events):
            grown.send(executions(sent[0], 60))
            sent[0] += 60
        return resolved(events)

    events = told(grown, grown.topics.severity.name, quiet_goes_on)
    assert opened(events) == []  # it was one incident all along
    with pytest.raises(TracehoundError, match="The new workers must not have begun"):
        run(migrate, *move)
    assert [process.end() for process in new] == [0, 0]


def test_what_the_old_workers_have_not_read_is_not_left_behind(
    field: Field, grown: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    field.send(executions(0, 3))
    for name, value in environment(grown, f"{field.topics.prefix}group").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TracehoundError, match=r"wait 12 records of .*executions\.v1"):
        CliRunner().invoke(migrate, ["--from-prefix", field.topics.prefix], catch_exceptions=False)
    with pytest.raises(TracehoundError, match="must be that of the new topics"):
        CliRunner().invoke(migrate, ["--from-prefix", grown.topics.prefix], catch_exceptions=False)
