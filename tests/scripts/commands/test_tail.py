"""The command `tail`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, TopicPartition

from tests.processes import running
from tests.scripts.conftest import Run
from tracehound.schemas.anomaly import Anomaly, AnomalyEvent, ModelStamp, Severity
from tracehound.schemas.codec import encode
from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.schemas.model_event import ModelChange, ModelEvent
from tracehound.schemas.progress import Progress
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.tail import Follower, Selection, describe, tail

Send = Callable[..., None]


def anomaly(severity: Severity = "major", application: str = "shop") -> AnomalyEvent:
    data = Anomaly(
        application=application,
        operation="GET /cart",
        environment="prod",
        version="1",
        kind="latency",
        score=9.04,
        sigma=6.0,
        severity=severity,
        confidence=0.9,
        signal="self_ms",
        typical=120.0,
        actual=940.0,
        bounds=(80.0, 210.0),
        unit="ms",
        contributions={"self_ms": 1.0},
        reason="GET /cart took 940 ms \x1b[31m[red].",
        exemplar_trace_ids=[],
        window=None,
        model=ModelStamp("chart", "1", 500, None, False),
        incident_key="shop",
    )
    return AnomalyEvent("4f2a91c3d7e8", "/tracehound", "type", application, "2026-01-01T00:00:00Z", data)


def model_event() -> ModelEvent:
    change = ModelChange("shop", "", "GET /cart", "chart", "ready", 60, 0, "The model is ready.")
    return ModelEvent("2", "/tracehound", "type", "shop", "2026-01-01T00:00:01Z", change)


def test_an_anomaly_is_one_escaped_line() -> None:
    line = describe(anomaly())
    assert line.plain == (
        "2026-01-01T00:00:00Z MAJOR    4f2a91c3 shop (prod) GET /cart [latency 9.0] "
        "GET /cart took 940 ms \\x1b[31m[red]."
    )
    assert len({str(describe(anomaly(severity)).spans[1].style) for severity in ("minor", "major", "critical")}) == 3


def test_a_model_event_is_one_line() -> None:
    assert describe(model_event()).plain == ("2026-01-01T00:00:01Z READY    shop GET /cart [chart] The model is ready.")


@pytest.mark.parametrize(
    ("selection", "kept"),
    [
        (Selection(), ["minor", "major", "critical"]),
        (Selection(severity="major"), ["major", "critical"]),
        (Selection("shop", "critical"), ["critical"]),
        (Selection("bank"), []),
        (Selection(environment="prod"), ["minor", "major", "critical"]),
        (Selection(environment=""), []),
    ],
)
def test_selection(selection: Selection, kept: list[Severity]) -> None:
    severities: tuple[Severity, ...] = ("minor", "major", "critical")
    assert [severity for severity in severities if selection(anomaly(severity))] == kept
    assert selection(model_event()) == (selection.application != "bank" and selection.environment in (None, ""))


class FakeReader:
    """Knows the topic at the third attempt; its connection breaks, mends and breaks."""

    servers = "broker:9092"

    def __init__(self) -> None:
        self._attempts = 0
        self._script: list[tuple[Any, str]] = [
            (None, ""),
            (None, "gone"),
            (None, "gone"),
            ("a", ""),
            (None, "off"),
            ("b", ""),
        ]
        self._trouble = ""
        self.started: list[TopicPartition] = []

    def partitions(self, topic: str) -> list[int]:
        self._attempts += 1
        if self._attempts < 3:
            raise BrokerError("No broker.")
        return [0, 1]

    def start(self, positions: Iterable[TopicPartition]) -> None:
        self.started = list(positions)

    def poll(self) -> Any:
        message, self._trouble = self._script.pop(0)
        return message

    def take_trouble(self) -> str:
        return self._trouble


def test_outages_are_said_once_and_lived_through() -> None:
    reader, said = FakeReader(), list[str]()
    follower = Follower(reader, ["anomalies"], OFFSET_END, said.append, retry_s=0)
    assert list(islice(follower.records(), 2)) == ["a", "b"]
    assert [(position.partition, position.offset) for position in reader.started] == [(0, OFFSET_END), (1, OFFSET_END)]
    assert said == [
        "No broker. Trying again.",
        "No Kafka broker answers at broker:9092: gone. Trying again.",
        "No Kafka broker answers at broker:9092: off. Trying again.",
    ]


def test_a_start_at_the_beginning_is_passed_on() -> None:
    reader = FakeReader()
    next(Follower(reader, ["anomalies"], OFFSET_BEGINNING, lambda _: None, retry_s=0).records())
    assert {position.offset for position in reader.started} == {OFFSET_BEGINNING}


def tail_process(environment: Mapping[str, str], *arguments: str) -> AbstractContextManager["subprocess.Popen[str]"]:
    return running([sys.executable, "-m", "tracehound", "tail", *arguments], env={**os.environ, **environment})


def waiting(names: str, environment: Mapping[str, str]) -> str:
    """What it says first."""
    servers = environment["KAFKA_BOOTSTRAP_SERVERS"]
    return f"tracehound: Waiting for records on {names} at {servers}; Ctrl-C ends it.\n"


def interrupt(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Status and the rest of standard error after an interrupt."""
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    return process.returncode, error


def test_it_prints_what_is_stored_and_ends_cleanly(topics: Topics, send: Send, environment: Mapping[str, str]) -> None:
    partition = {"partition": 0}
    send(topics.anomalies.name, encode(anomaly("minor")), **partition)
    send(topics.anomalies.name, b"{", **partition)
    send(topics.anomalies.name, encode(anomaly("critical")), **partition)
    with tail_process(environment, "--from-beginning", "--severity", "major", "--application", "shop") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("2026-01-01T00:00:00Z CRITICAL 4f2a91c3 shop (prod) GET /cart")
        status, error = interrupt(process)
    assert status == 0
    assert error == waiting(topics.anomalies.name, environment) + (
        f"tracehound: Record 1 of {topics.anomalies.name}-0 is no event; passed over.\n"
    )


def test_it_prints_json_of_anomalies_and_models(topics: Topics, send: Send, environment: Mapping[str, str]) -> None:
    send(topics.anomalies.name, encode(anomaly()))
    send(topics.models.name, encode(model_event()))
    with tail_process(environment, "--from-beginning", "--models", "--json") as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert {line["data"]["application"] for line in lines} == {"shop"}
        assert {line["id"] for line in lines} == {"4f2a91c3d7e8", "2"}
        names = f"{topics.anomalies.name} and {topics.models.name}"
        assert interrupt(process) == (0, waiting(names, environment))


def test_a_name_that_nobody_has_is_refused_at_once(topics: Topics, send: Send, run: Run) -> None:
    send(topics.progress.name, encode(Progress("shop", "prod", "2026-01-01T00:00:00Z", 1, 0, 0, {})), key=b"shop")

    with pytest.raises(TracehoundError, match=r"There is no application 'shpo'\. Did you mean 'shop'\?"):
        run(tail, "--application", "shpo", catch_exceptions=False)
    with pytest.raises(TracehoundError, match="There is no environment 'test' of the application 'shop'"):
        run(tail, "--application", "shop", "--environment", "test", catch_exceptions=False)


def test_it_waits_for_a_broker_that_is_away() -> None:
    with tail_process({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("tracehound: Waiting for records on ")
        said = process.stderr.readline()
        assert said.startswith("tracehound: No Kafka broker answers at 127.0.0.1:1: ")
        assert said.endswith(". Trying again.\n")
        status, _ = interrupt(process)
    assert status == 0
