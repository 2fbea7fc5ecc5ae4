"""Workers that score: executions are learned once and in order, lessons too, and anomalies are published."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from tests.simulation.clients import SimulatedClients
from tests.simulation.core import SimulatedCore
from tests.simulation.scene import Scene
from tracehound.schemas.control import Control, read_control
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.feedback import Lesson
from tracehound.schemas.topics import Topic
from tracehound.scripts.commands.stored_states import stored_states
from tracehound.scripts.soak.checker import Logged, Replay
from tracehound.streams.kafka.forwarding import NUMBERS_PER_OFFSET, origin_headers
from tracehound.streams.scoring.app import build_scoring
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.worker import Worker

_PARTITIONS = 2
_APPLICATIONS = 5


class ScoringPlay:
    """Executions of some applications, some of them misplaced, damaged, or written by an intake that replays; and
    lessons.
    """

    clock_jump_s = 86_400.0

    def __init__(self) -> None:
        self.settings = Settings(
            partitions=_PARTITIONS,
            save_interval_s=0.4,
            commit_interval_s=0.3,
            progress_interval_s=2.0,
            silence_interval_s=2.0,
            session_timeout_s=3.0,
            finish_timeout_s=2.0,
            max_runs_in_flight=3,
        )
        topics = self.settings.topics
        self.topics = (*topics.scoring(), topics.spans, topics.log_events)
        self.cores: list[SimulatedCore] = []
        self.before: list[Any] = []
        self.faults: dict[Callable[[Scene], None], int] = {self.stumble: 3, self.cannot_tell: 4}

    @property
    def _executions(self) -> Topic:
        return self.settings.topics.executions

    def build(self, scene: Scene, settings: Settings, clients: SimulatedClients) -> Worker:
        core = SimulatedCore(lambda: scene.draw.random() * 0.2)
        self.cores.append(core)
        return build_scoring(settings, core, time.time, time.monotonic, clients)

    def stumble(self, scene: Scene) -> None:
        """The core fails with half of a chunk learned."""
        if self.cores:
            scene.say("the core stumbles")
            self.cores[-1].stumbles = True

    def cannot_tell(self, scene: Scene) -> None:
        """Anomalies cannot be written for a while, and all else can."""
        scene.say("the leaders of anomalies are away")
        scene.cluster.leaders_back_at_s[self.settings.topics.anomalies.name] = scene.loop.time() + 4.0

    # --- what is read

    async def feed(self, scene: Scene) -> None:
        draw, spans = scene.draw, self.settings.topics.spans.name
        scene.cluster.append(spans, 0, b"", b"")
        emitted: list[tuple[bytes, bytes, int]] = []
        count = draw.choice((20, 60, 140))
        made_anew_at = draw.randrange(count) if draw.random() < 0.2 else -1
        teaches = draw.random() < 0.5
        if teaches:  # an application of which there are lessons alone would be none to the judge
            self._say_all(scene, "first")
        for number in range(count):
            if number == made_anew_at:
                self.before = await scene.make_anew(self._executions, lambda: self.finished(scene))
                self._say_all(scene, "after")
                emitted.clear()
            name = f"app-{draw.randrange(_APPLICATIONS)}"
            if teaches and draw.random() < 0.1:
                self._teach(scene, f"app-{draw.randrange(_APPLICATIONS)}", number)
            where = scene.cluster.partition_of(self._executions.name, name.encode())
            kind = draw.random()
            if kind < 0.04:
                scene.cluster.append(self._executions.name, where, name.encode(), b"{" + draw.randbytes(9))
            elif kind < 0.10:  # in another's partition: to be forwarded
                where = draw.randrange(_PARTITIONS)
                scene.cluster.append(self._executions.name, where, name.encode(), self._value(scene, name, number))
            elif kind < 0.22:
                emitted.append((name.encode(), self._value(scene, name, number), len(emitted)))
                self._emit(scene, emitted[-1:])
                if draw.random() < 0.3:  # an intake that was killed emits again what it had emitted
                    self._emit(scene, emitted[-1 - draw.randrange(len(emitted)) :])
            else:
                scene.cluster.append(self._executions.name, where, name.encode(), self._value(scene, name, number))
            if draw.random() < 0.3:
                await asyncio.sleep(draw.random() * 0.4)

    def _say_all(self, scene: Scene, when: str) -> None:
        """One execution of each application."""
        for number in range(_APPLICATIONS):
            name = f"app-{number}"
            where = scene.cluster.partition_of(self._executions.name, name.encode())
            scene.cluster.append(self._executions.name, where, name.encode(), self._value(scene, name, when))

    def _teach(self, scene: Scene, name: str, number: int) -> None:
        topic = self.settings.topics.control.name
        where = scene.cluster.partition_of(topic, name.encode())
        if scene.draw.random() < 0.1:
            scene.cluster.append(topic, where, name.encode(), b"{" + scene.draw.randbytes(9))
        lesson = Lesson(f"s{number}", "false_positive", scene.loop.wall_s())
        control = Control("feedback", name, asked_at=lesson.judged_at, lesson=lesson)
        scene.cluster.append(topic, where, name.encode(), msgspec.json.encode(control))

    def _emit(self, scene: Scene, emitted: list[tuple[bytes, bytes, int]]) -> None:
        spans = self.settings.topics.spans.name
        for key, value, number in emitted:
            assert number < NUMBERS_PER_OFFSET
            where = scene.cluster.partition_of(self._executions.name, key)
            headers = origin_headers((), spans, 0, number, scene.cluster.topics[spans].id)
            scene.cluster.append(self._executions.name, where, key, value, headers)

    def _value(self, scene: Scene, name: str, number: object) -> bytes:
        several = 1 + int(scene.draw.random() ** 6 * 5)
        executions = [
            {
                "application": name,
                "operation": f"GET /{scene.draw.choice('abc')}",
                "started_at": scene.loop.wall_s(),
                "duration_ms": 20_000.0 if scene.draw.random() < 0.1 else 5.0,
                "trace_id": f"t{number}.{index}",
            }
            for index in range(several)
        ]
        return json.dumps(executions if several > 1 else executions[0]).encode()

    # --- what is judged

    def finished(self, scene: Scene) -> bool:
        return scene.committed_to_end(self.settings.group_id, (self._executions, self.settings.topics.control))

    def problems(self, scene: Scene) -> list[str]:
        topics = self.settings.topics
        right = SimulatedCore()
        replay = Replay(
            *(self._executions.name, _PARTITIONS, (topics.spans.name, topics.log_events.name)), scorer=right
        )
        for one in [*self.before, *scene.records_of(self._executions.name)]:
            replay.take(Logged(one.partition, one.offset, one.timestamp, one.value, one.headers))
        for one in scene.records_of(topics.control.name):
            with suppress(InvalidExecutionError):
                control = read_control(one.value)
                assert control.lesson is not None
                right.heed((control.application, control.environment), control.lesson)
        states = scene.records_of(topics.model_states.name)
        stored, _ = stored_states(states)
        anomalies = [record.value or b"" for record in scene.records_of(topics.anomalies.name)]
        verdict = replay.compare({key: one.state for key, one in stored.items()}, anomalies)
        return [] if verdict.sound else list(verdict.examples)
