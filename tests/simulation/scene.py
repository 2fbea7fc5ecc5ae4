"""The stage of one story: a cluster, processes that are started again whenever they end, and what happens to them."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiokafka import ConsumerRecord

from tests.simulation.clients import SimulatedClients
from tests.simulation.cluster import Cluster
from tests.simulation.group import Group
from tests.simulation.virtual_machine import Loop, Process
from tests.streams.damage import damage
from tracehound.schemas.topics import Topic
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.process import EXIT_CLEAN
from tracehound.streams.worker.worker import Worker, serve

_STOP_S = 35.0
_MADE_ANEW_S = 60.0
_PAGE = 4_096


class Play(Protocol):
    """What is played: one kind of worker, what it is given, and who judges what it left.

    ``faults`` are those that only it knows, with their weights; ``clock_jump_s`` is how far wall clocks may jump.
    """

    settings: Settings
    topics: tuple[Topic, ...]
    faults: dict[Callable[["Scene"], None], int]
    clock_jump_s: float

    def build(self, scene: "Scene", settings: Settings, clients: SimulatedClients) -> Worker:
        """Put a worker together."""
        ...

    async def feed(self, scene: "Scene") -> None:
        """Write all that there is to read."""
        ...

    def finished(self, scene: "Scene") -> bool:
        """Whether all of it has been dealt with."""
        ...

    def problems(self, scene: "Scene") -> list[str]:
        """What is wrong, once all workers have ended."""
        ...


@dataclass
class Slot:
    """A place where a process runs, one after the other; its folder outlives them."""

    number: int
    folder: Path
    process: Process
    worker: Worker | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    status: int | None = None
    folders: int = 0


class Scene:
    """Cluster and workers of one story.

    ``said`` is what happened, in order, for whoever replays it; ``wrong`` what must not have happened. While it is
    ``calm`` no process begins or ends.
    """

    def __init__(self, loop: Loop, draw: random.Random, play: Play, folder: Path) -> None:
        self.loop = loop
        self.draw = draw
        self.play = play
        self.folder = folder
        self.cluster = Cluster(loop, draw, play.topics)
        self.groups: dict[str, Group] = {}
        self.slots: list[Slot] = []
        self.said: list[str] = []
        self.wrong: list[str] = []
        self.over = False
        self.calm: Callable[[], bool] = lambda: False
        self._started = 0

    def say(self, what: str) -> None:
        """Note what happens, with the step at which it does."""
        self.said.append(f"step {self.loop.steps}, {self.loop.time():.3f} s: {what}")

    # --- processes

    def open_slot(self) -> Slot:
        """Let one more worker run, again and again."""
        number = len(self.slots)
        slot = Slot(number, self.folder / str(number), Process("none"))
        self.slots.append(slot)
        self._start(slot)
        return slot

    def _start(self, slot: Slot) -> None:
        self._started += 1
        slot.process, slot.worker, slot.status = Process(f"{slot.number}.{self._started}"), None, None
        slot.ended, slot.stop = asyncio.Event(), asyncio.Event()
        settings = self.play.settings.model_copy(update={"state_dir": slot.folder / str(slot.folders)})
        self.say(f"{slot.process.name} starts")
        self.loop.spawn(slot.process, self._live(slot, slot.process, settings))

    async def _live(self, slot: Slot, process: Process, settings: Settings) -> None:
        clients = SimulatedClients(settings, self.cluster, self.groups)
        worker = slot.worker = self.play.build(self, settings, clients)
        async with worker.closing:
            slot.status = await serve(worker, slot.stop, _STOP_S)
        cause = worker.failure.reason or worker.app.crash_reason
        self.say(f"{process.name} ends with status {slot.status}" + (f": {cause!r}" if cause else ""))
        if slot.status != EXIT_CLEAN:
            self.wrong.append(f"The worker {process.name} ended with status {slot.status}: {cause!r}.")
        process.dead = True
        slot.ended.set()
        self._start_later(slot)

    def _start_later(self, slot: Slot) -> None:
        if not self.over:
            after_s = self.draw.random() ** 2 * 2.0
            self.loop.call_later(after_s, self._start_if_open, slot, context=self.cluster.context)

    def _start_if_open(self, slot: Slot) -> None:
        if not self.over:
            self._start(slot)

    def running(self) -> list[Slot]:
        """Those whose process lives."""
        return [slot for slot in self.slots if not slot.process.dead]

    def kill(self, slot: Slot, disk: str) -> None:
        """SIGKILL; ``disk``: what becomes of its files (``kept``, ``torn``, ``new``)."""
        self.say(f"{slot.process.name} is killed, its disk {disk}")
        self.loop.kill(slot.process)
        if slot.worker is not None:  # the kernel closes the files of a process
            for is_sync, close in vars(slot.worker.closing)["_exit_callbacks"]:
                if is_sync:
                    close(None, None, None)
        if disk == "new":
            slot.folders += 1
        elif disk == "torn":
            for file in sorted(slot.folder.rglob("*.sqlite")):
                if file.stat().st_size >= _PAGE:
                    damage(file, self.draw)
        slot.ended.set()
        self._start_later(slot)

    async def end(self) -> None:
        """SIGTERM all, and wait until they have ended."""
        self.over = True
        for slot in self.running():
            slot.stop.set()
        for slot in self.slots:
            if slot.process.dead:
                continue
            try:
                async with asyncio.timeout(2 * _STOP_S):
                    await slot.ended.wait()
            except TimeoutError:
                self.wrong.append(f"The worker {slot.process.name} did not stop.")
        for group in self.groups.values():
            group.close()

    async def until(self, condition: Callable[[], bool], most_s: float) -> bool:
        """Wait for a condition, as long as that."""
        ends_s = self.loop.time() + most_s
        while not condition():
            if self.loop.time() > ends_s:
                return False
            await asyncio.sleep(0.1)
        return True

    def records_of(self, topic: str) -> list[ConsumerRecord]:
        """All that a topic holds, partition by partition."""
        return [record for log in self.cluster.topics[topic].logs for record in log.records]

    async def make_anew(self, topic: Topic, finished: Callable[[], bool]) -> list[ConsumerRecord]:
        """Delete a topic and make it again, once all of it has been dealt with; returns what it held.

        Members of groups are told that their topic is gone. The new one stays empty until all of them know: as for
        a client that asks only when it has grown again, it reads on where it was, and nobody can tell.
        """
        if not await self.until(finished, _MADE_ANEW_S):
            return []
        await asyncio.sleep(self.draw.random() ** 2 * 4.0)  # some have joined by then, and read nothing yet
        self.say(f"{topic.name} is made anew")
        before = self.records_of(topic.name)
        self.cluster.make(topic)
        generations = {name: group.generation for name, group in self.groups.items()}
        for group in self.groups.values():
            group.unsettle()

        def known() -> bool:
            thawed = not any(slot.process.stopped for slot in self.running())
            return thawed and all(group.generation > generations.get(name, 0) for name, group in self.groups.items())

        await self.until(known, _MADE_ANEW_S)
        return before

    def committed_to_end(self, group: str, topics: tuple[Topic, ...]) -> bool:
        """Whether a group has committed all that these topics hold."""
        committed = self.cluster.committed[group]
        return all(
            log.end == committed.get((topic.name, number), (0, ""))[0]
            for topic in topics
            for number, log in enumerate(self.cluster.topics[topic.name].logs)
        )
