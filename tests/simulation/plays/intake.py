"""Workers of intake: of spans that come in parts, in no order and from several sources, each execution is made once."""

import asyncio
import time
from collections.abc import Callable

from tests.joined_traces import Emitted, Key, expected_of, trace, without_parents
from tests.simulation.clients import SimulatedClients
from tests.simulation.scene import Scene
from tests.simulation.virtual_machine import EPOCH_S
from tracehound.schemas.execution import Execution
from tracehound.scripts.recorded.otlp_encoding import encode_json, encode_protobuf
from tracehound.scripts.recorded.otlp_spans import Exported, spans_of_trace
from tracehound.streams.intake.app import build_intake
from tracehound.streams.settings.intake import IntakeSettings
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.worker import Worker

_PARTITIONS = 2
_LOOK_S = 0.5


class IntakePlay:
    """Traces of three services, each of which exports for itself, some of it garbage."""

    clock_jump_s = 0.3  # a known limit: how far sources were read is told by the clocks of intake's machines

    def __init__(self) -> None:
        intake = IntakeSettings(
            trace_wait_s=1.5,
            incomplete_trace_wait_s=3.0,
            source_patience_s=60.0,
            tick_interval_s=0.5,
            checkpoint_interval_s=0.3,
            call_graph_interval_s=1.0,
        )
        self.settings = Settings(
            partitions=_PARTITIONS,
            intake=intake,
            commit_interval_s=0.3,
            session_timeout_s=3.0,
            finish_timeout_s=2.0,
            max_runs_in_flight=3,
        )
        self.topics = self.settings.topics.intake()
        self.faults: dict[Callable[[Scene], None], int] = {}
        self.expected: dict[Key, Execution] = {}
        self._looked_s = 0.0
        self._missing: set[Key] = set()

    def build(self, scene: Scene, settings: Settings, clients: SimulatedClients) -> Worker:
        return build_intake(settings, time.time, clients)

    # --- what is read

    async def feed(self, scene: Scene) -> None:
        draw, topic = scene.draw, self.settings.topics.otlp[0]
        source, count = topic.name, draw.choice((8, 20, 40))
        made_anew_at = draw.randrange(count) if draw.random() < 0.2 else -1
        for number in range(count):
            if number == made_anew_at:
                self._missing = set(self.expected)
                await scene.make_anew(topic, lambda: self.finished(scene))
            one = trace(number, (scene.loop.wall_s() - 1.0) * 1e6)
            self.expected |= expected_of([one])
            encode = draw.choice((encode_protobuf, encode_json))
            parts: list[list[Exported]] = [[exported] for exported in spans_of_trace(one)]
            if draw.random() < 0.3:  # a collector that they have in common
                parts = [[exported for part in parts for exported in part]]
            draw.shuffle(parts)
            for part in parts:
                scene.cluster.append(source, draw.randrange(_PARTITIONS), None, encode(part))
                if draw.random() < 0.05:
                    scene.cluster.append(source, draw.randrange(_PARTITIONS), None, b"\x00" + draw.randbytes(5))
                if draw.random() < 0.3:
                    await asyncio.sleep(draw.random() * 0.2)
        self._missing = set(self.expected)

    # --- what is judged

    def _emitted(self, scene: Scene) -> Emitted:
        topics = self.settings.topics
        emitted = Emitted(topics.spans.name, topics.partitions)
        for one in scene.records_of(topics.executions.name):
            emitted.note(one.key, one.value, one.headers, EPOCH_S)
        return emitted

    def finished(self, scene: Scene) -> bool:
        if self._missing and scene.loop.time() - self._looked_s >= _LOOK_S:
            self._looked_s = scene.loop.time()
            self._missing -= self._emitted(scene).contents.keys()
        committed = scene.committed_to_end(self.settings.intake.group_id, self.settings.topics.otlp)
        return not self._missing and committed

    def problems(self, scene: Scene) -> list[str]:
        emitted = self._emitted(scene)
        found = [f"{key} has {len(all_)} origins." for key, all_ in emitted.origins.items() if len(all_) > 1]
        found += [f"{key} has {len(all_)} contents." for key, all_ in emitted.contents.items() if len(all_) > 1]
        if found:
            return found
        once, wanted = emitted.once(), without_parents(self.expected)
        found += [f"{key} was never emitted." for key in wanted.keys() - once.keys()]
        found += [f"{key} is no execution of any trace." for key in once.keys() - wanted.keys()]
        found += [f"{key} differs." for key in wanted.keys() & once.keys() if wanted[key] != once[key]]
        return sorted(found)
