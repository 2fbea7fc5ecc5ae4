"""Notifiers: every change of every incident is told to everybody, in order, whoever is away meanwhile."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgspec

from tests.simulation.clients import SimulatedClients
from tests.simulation.scene import Scene, Slot
from tests.streams.notify.conftest import make_event
from tracehound.schemas.anomaly import Severity
from tracehound.schemas.incident import IncidentChange
from tracehound.streams.notify.app import build_notify
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.offsets import read_commit
from tracehound.streams.notify.outcome import Delivered, Failed, Outcome, WithoutMemory
from tracehound.streams.settings.notify import NotifySettings, Route, Webhook
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.worker import Worker

_PARTITIONS = 2
_RECEIVERS = ("team", "boss")
_READY_S = 60.0
Told = dict[tuple[str, str], list[tuple[int, str]]]


class SimulatedReceiver(WithoutMemory):
    """Takes its time, fails now and then, and may have understood though its answer is lost."""

    def __init__(self, name: str, scene: Scene, told: Told) -> None:
        self._name = name
        self._scene = scene
        self._told = told

    async def tell(self, notice: Notice) -> Outcome:
        draw = self._scene.draw
        await asyncio.sleep(draw.random() ** 3 * 0.5)
        fate = draw.random() if draw.random() < self._scene.cluster.doubt else 1.0
        if fate < 0.5:
            return Failed("It is away.", retry=True)
        incident = notice.event.data
        self._told[self._name, incident.incident_id].append((incident.revision, notice.event.id))
        await asyncio.sleep(draw.random() ** 3 * 0.2)
        return Delivered() if fate == 1.0 else Failed("Its answer was lost.", retry=True)

    async def close(self) -> None: ...


class NotifyPlay:
    """Incidents that open, change and end; two receivers."""

    clock_jump_s = 86_400.0

    def __init__(self) -> None:
        notify = NotifySettings(
            receivers={name: Webhook(kind="webhook", url="http://127.0.0.1/", secret_env="S") for name in _RECEIVERS},
            routes=(Route(receivers=_RECEIVERS),),
            first_retry_s=0.1,
            longest_retry_s=0.4,
        )
        self.settings = Settings(
            partitions=_PARTITIONS,
            notify=notify,
            commit_interval_s=0.3,
            session_timeout_s=3.0,
            finish_timeout_s=2.0,
        )
        topics = self.settings.topics
        self.topics = topics.notify()
        self.faults: dict[Callable[[Scene], None], int] = {}
        self.told: Told = defaultdict(list)
        self.wanted: Told = defaultdict(list)
        self.garbage: list[bytes] = []

    def build(self, scene: Scene, settings: Settings, clients: SimulatedClients) -> Worker:
        def receiver(name: str, *_: Any) -> SimulatedReceiver:
            return SimulatedReceiver(name, scene, self.told)

        return build_notify(settings, {"S": "k" * 24}, time.time, clients, receiver)

    # --- what is read

    async def feed(self, scene: Scene) -> None:
        draw, topic = scene.draw, self.settings.topics.severity.name
        committed = scene.cluster.committed[self.settings.notify.group_id]
        await scene.until(
            lambda: len(committed) == _PARTITIONS, _READY_S
        )  # what was before the first start is not told
        revisions: defaultdict[str, int] = defaultdict(int)
        count = draw.choice((10, 30, 60))
        made_anew_at = draw.randrange(count) if draw.random() < 0.2 else -1
        for number in range(count):
            if number == made_anew_at:
                await self._make_anew(scene)
            incident = f"i{number // 4 if draw.random() < 0.5 else draw.randrange(1 + number // 4)}"
            revisions[incident] += 1
            revision = revisions[incident]
            change: IncidentChange = "opened" if revision == 1 else "resolved" if revision == 4 else "updated"
            severity: Severity = draw.choice(("minor", "major", "critical"))
            event = make_event(incident, revision, change, severity)
            where = scene.cluster.partition_of(topic, incident.encode())
            for _ in range(1 + (draw.random() < 0.1)):  # incidents are told at least once
                scene.cluster.append(topic, where, incident.encode(), msgspec.json.encode(event))
            for name in _RECEIVERS:
                self.wanted[name, incident].append((revision, event.id))
            if draw.random() < 0.05:
                self.garbage.append(b"{" + draw.randbytes(8))
                scene.cluster.append(topic, draw.randrange(_PARTITIONS), b"k", self.garbage[-1])
            if draw.random() < 0.4:
                await asyncio.sleep(draw.random() * 0.4)

    async def _make_anew(self, scene: Scene) -> None:
        """While notifiers run that have seen the topic: one that starts later begins at its end, as a first one."""
        committed = scene.cluster.committed[self.settings.notify.group_id]
        scene.calm = lambda: True
        if await scene.until(lambda: all(map(_has_seen_the_topic, scene.slots)), _READY_S):
            await scene.make_anew(self.settings.topics.severity, lambda: self.finished(scene))
        scene.calm = lambda: len(committed) < _PARTITIONS

    # --- what is judged

    def finished(self, scene: Scene) -> bool:
        committed = scene.cluster.committed[self.settings.notify.group_id]
        nothing_owed = all(not read_commit(*commit).owed for commit in committed.values())
        return nothing_owed and scene.committed_to_end(self.settings.notify.group_id, (self.settings.topics.severity,))

    def problems(self, scene: Scene) -> list[str]:
        found = []
        for who in sorted(self.wanted.keys() | self.told.keys()):
            first_told = list(dict.fromkeys(self.told[who]))
            if first_told != self.wanted[who]:
                found.append(f"{who} was told {first_told}, not {self.wanted[who]}.")
        buried = [record.value for record in scene.records_of(self.settings.topics.dead_letters.name)]
        found += [f"{value!r} is no dead letter." for value in self.garbage if value not in buried]
        found += [f"{value!r} is a dead letter." for value in buried if value not in self.garbage]
        return found


def _has_seen_the_topic(slot: Slot) -> bool:
    if slot.process.dead or slot.stop.is_set() or slot.worker is None:
        return False
    app: Any = slot.worker.app
    return bool(app.notifier._began_with)
