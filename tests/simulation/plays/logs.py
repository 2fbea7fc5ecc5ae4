"""Workers of intake: each log event becomes one execution, with the template that the order of its partition gives."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec

from tests.simulation.clients import SimulatedClients
from tests.simulation.scene import Scene
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.streams.intake.app import build_intake, log_rules_of
from tracehound.streams.intake.emit import Emitter
from tracehound.streams.intake.logs.partition_logs import PartitionLogs
from tracehound.streams.kafka.forwarding import Origin, read_origin
from tracehound.streams.kafka.record_time import judged_at_s
from tracehound.streams.settings.intake import IntakeSettings
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.worker import Worker

_PARTITIONS = 2
_APPLICATIONS = ("shop", "bank", "till")
_LEVELS = ("info", "warning", "error")
_OF_WHAT = ("order", "payment", "cart")
_WHAT = ("was placed by ann", "failed for good today", "waits for an answer", "was moved elsewhere now")
_REPEATED = 0.1

Made = dict[Origin, bytes]
"""Records of executions by what led to them."""


class LogsPlay:
    """Events of some applications, some in arrays, some sent twice with one id, some of them garbage."""

    clock_jump_s = 86_400.0

    def __init__(self) -> None:
        self.settings = Settings(
            partitions=_PARTITIONS,
            intake=IntakeSettings(checkpoint_interval_s=0.3),
            commit_interval_s=0.3,
            session_timeout_s=3.0,
            finish_timeout_s=2.0,
            max_runs_in_flight=3,
        )
        self.topics = self.settings.topics.intake()
        self.faults: dict[Callable[[Scene], None], int] = {}
        self.logs = [PartitionLogs(log_rules_of(self.settings), self.settings.limits) for _ in range(_PARTITIONS)]
        self.wanted: Made = {}
        self.refused: set[bytes] = set()

    def build(self, scene: Scene, settings: Settings, clients: SimulatedClients) -> Worker:
        return build_intake(settings, time.time, clients)

    # --- what is read

    async def feed(self, scene: Scene) -> None:
        draw, topic = scene.draw, self.settings.topics.log_events
        count = draw.choice((15, 40, 80))
        made_anew_at = draw.randrange(count) if draw.random() < 0.2 else -1
        for number in range(count):
            if number == made_anew_at:
                topic_id = scene.cluster.topics[topic.name].id
                held = await scene.make_anew(topic, lambda: self.finished(scene))
                self._want(held, topic_id)
            application = draw.choice(_APPLICATIONS)
            some = [_event(draw, application, f"{number}/{index}") for index in range(1 + int(draw.random() ** 4 * 6))]
            value = some[0] if len(some) == 1 else b"[" + b",".join(some) + b"]"
            if draw.random() < 0.05:
                value = b"{" + draw.randbytes(7)
                self.refused.add(value)
            where = scene.cluster.partition_of(topic.name, application.encode())
            for _ in range(1 + (draw.random() < _REPEATED)):
                scene.cluster.append(topic.name, where, application.encode(), value)
            if draw.random() < 0.3:
                await asyncio.sleep(draw.random() * 0.4)

    # --- what is judged

    def finished(self, scene: Scene) -> bool:
        return scene.committed_to_end(self.settings.intake.group_id, (self.settings.topics.log_events,))

    def _want(self, records: list[Any], topic_id: str) -> None:
        """What an uninterrupted worker makes of the next records."""
        topics = self.settings.topics
        names = topics.log_events.name, topics.executions.name
        emitter = Emitter(*names, topics.executions.partitions, self.settings.limits)
        for one in records:
            place = f"{topic_id}/{one.partition}/{one.offset}"
            read = self.logs[one.partition].take(one.value, judged_at_s(one, 0.0), place)
            for made in emitter.records(one.partition, one.offset, read.executions, topic_id):
                self.wanted[_origin(made, self.settings)] = made.value or b""

    def problems(self, scene: Scene) -> list[str]:
        topics = self.settings.topics
        name = topics.log_events.name
        self._want(scene.records_of(name), scene.cluster.topics[name].id)
        found, made = [], Made()
        for one in scene.records_of(topics.executions.name):
            origin = _origin(one, self.settings)
            if made.setdefault(origin, one.value) != one.value:
                found.append(f"{origin} led to two contents.")
        found += [f"{_named(origin)} led to nothing." for origin in self.wanted.keys() - made.keys()]
        found += [f"{_named(origin)} should have led to nothing." for origin in made.keys() - self.wanted.keys()]
        found += [
            f"{_named(origin)} led to {_operations(made[origin])}, not {_operations(self.wanted[origin])}."
            for origin in self.wanted.keys() & made.keys()
            if made[origin] != self.wanted[origin]
        ]
        buried = {record.value for record in scene.records_of(topics.dead_letters.name)}
        found += [f"{value!r} is no dead letter." for value in self.refused - buried]
        found += [f"{value!r} is a dead letter." for value in buried - self.refused]
        return sorted(found)


def _event(draw: random.Random, application: str, identifier: str) -> bytes:
    message = f"{draw.choice(_OF_WHAT)} {draw.randrange(5)} {draw.choice(_WHAT)} after {draw.randrange(900)} ms"
    event = {"message": message, "level": draw.choice(_LEVELS), "application": application}
    if draw.random() < _REPEATED:
        event["id"] = "often"
    elif draw.random() < 0.5:
        event["id"] = identifier
    return msgspec.json.encode(event)


def _origin(record: Any, settings: Settings) -> Origin:
    origin = read_origin(record.headers, {settings.topics.log_events.name}, _PARTITIONS)
    if origin is None:
        raise InvalidExecutionError("An execution of a log event must have an origin. Got none instead.")
    return origin


def _named(origin: Origin) -> str:
    return f"{origin.topic}/{origin.partition}/{origin.offset} ({origin.topic_id})"


def _operations(value: bytes) -> list[str]:
    decoded = msgspec.json.decode(value)
    return [one["operation"] for one in (decoded if isinstance(decoded, list) else [decoded])]
