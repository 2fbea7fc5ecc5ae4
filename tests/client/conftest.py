"""What tests of the client share: a real gateway on the embedded broker, and a transport that does as it is told."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import Message

from tests.end_to_end.conftest import Field, WorkerProcess
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution import Execution, whole
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import Topics
from tracehound_client import Client, Outcome

RUN = "from tracehound.scripts.cli import main; main(['gateway'])"


@dataclass(frozen=True)
class Reached:
    """A gateway that runs, and the topic that it writes to."""

    url: str
    field: Field

    def executions(self, application: str, count: int) -> list[Execution]:
        """The executions of an application, once there are so many; and no others with them."""

        def values(records: Sequence[Message]) -> list[bytes]:
            return [record.value() for record in records if record.key() == application.encode()]

        def all_there(records: Sequence[Message]) -> bool:
            return sum(value.count(b'"started_at":') for value in values(records)) >= count

        read = values(self.field.read(self.field.topics.executions.name, all_there, timeout_s=150))
        decoded = [decode_record(value, Limits(), time.time()) for value in read]
        assert not any(one.rejected for one in decoded)
        found = [whole(each) for one in decoded for each in one.executions]
        assert len(found) == count
        return found


@pytest.fixture(scope="session")
def gateway(embedded_process: Broker) -> Iterator[Reached]:
    """The command in a process of its own, on the embedded broker."""
    topics = Topics("client-tests.", 2, ("client-tests.otlp_spans",))
    embedded_process.create_topics(topics)
    reached = Field(embedded_process, topics)
    settings = {"TRACEHOUND_INTAKE__OTLP_TOPICS": topics.otlp[0].name}
    process = WorkerProcess({**reached.environment, **settings}, code=RUN)
    try:
        url = process.wait_for("gateway_listening")["url"]
        process.wait_for("broker_reached")
        yield Reached(url, reached)
    finally:
        process.kill()


@dataclass
class Kept:
    """Keeps what is sent, or does with it as told: ``answers`` are given one after the other, ``hold`` stops it."""

    answers: list[Outcome] = field(default_factory=list)
    executions: list[dict[str, Any]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    hold: threading.Event | None = None
    closed: int = 0
    left: int = 0

    def send(self, application: str, batch: Sequence[bytes]) -> Outcome:
        self.batches.append(len(batch))
        if self.hold is not None:
            assert self.hold.wait(120)
        answer = self.answers.pop(0) if self.answers else Outcome(sent=len(batch))
        if answer.again_in_s is None:
            self.executions += map(json.loads, batch)
        return answer

    def close(self) -> None:
        self.closed += 1

    def left_behind(self) -> None:
        self.left += 1


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def clients() -> Iterator[Callable[..., Client]]:
    """Makes clients, and closes them in the end."""
    made: list[Client] = []

    def make(*given: Any, **named: Any) -> Client:
        made.append(Client(*given, **named))
        return made[-1]

    yield make
    for one in made:
        one.close(0)
