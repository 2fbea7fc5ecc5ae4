"""Workers of incidents: each incident is told as the one order of their input wants it, and everything once."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from tests.detectors.incidents.records import anomaly, progress, wrapped
from tests.simulation.clients import SimulatedClients
from tests.simulation.scene import Scene
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.incident_input import IncidentInput, decode_input, encode_input
from tracehound.streams.incidents.app import build_incidents
from tracehound.streams.settings.incident_worker import IncidentWorkerSettings
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.worker import Worker

_PARTITIONS = 3
_NAMES = ("shop", "stock", "till")


class IncidentsPlay:
    """Applications that deviate for a while, one after the other, and recover; people who say what is no word."""

    clock_jump_s = 86_400.0

    def __init__(self) -> None:
        self.settings = Settings(
            partitions=_PARTITIONS,
            incident_worker=IncidentWorkerSettings(save_interval_s=0.4),
            commit_interval_s=0.3,
            session_timeout_s=3.0,
            finish_timeout_s=2.0,
            max_runs_in_flight=3,
        )
        self.topics = self.settings.topics.incidents()
        self.faults: dict[Callable[[Scene], None], int] = {}
        self.before: list[Any] = []

    def build(self, scene: Scene, settings: Settings, clients: SimulatedClients) -> Worker:
        return build_incidents(settings, clients)

    # --- what is read

    async def feed(self, scene: Scene) -> None:
        draw, topics = scene.draw, self.settings.topics
        count = draw.choice((15, 30, 60))
        made_anew_at = draw.randrange(count) if draw.random() < 0.2 else -1
        for step in range(count):
            if step == made_anew_at:
                self.before = await scene.make_anew(topics.incident_input, lambda: self.finished(scene))
            at_s = step * 60.0
            for name in _NAMES:
                deviates = 0.5 if 4 <= step % 20 < 10 else 0.0
                if draw.random() < deviates:
                    self._tell(scene, wrapped(anomaly(name, at_s, draw.choice(("minor", "major", "critical")))))
                self._tell(scene, wrapped(progress(name, at_s, calls=["stock"] if name == "shop" else [])))
            if draw.random() < 0.05:
                scene.cluster.append(topics.incident_input.name, 0, b"", b"{" + draw.randbytes(7))
            if draw.random() < 0.05:
                scene.cluster.append(topics.feedback.name, 0, b"k", draw.randbytes(7))
            if draw.random() < 0.3:
                await asyncio.sleep(draw.random() * 0.5)

    def _tell(self, scene: Scene, record: IncidentInput) -> None:
        scene.cluster.append(self.settings.topics.incident_input.name, 0, b"", encode_input(record))

    # --- what is judged

    def finished(self, scene: Scene) -> bool:
        topics = self.settings.topics
        read = (topics.incident_input, topics.feedback)
        return scene.committed_to_end(self.settings.incident_worker.group_id, read)

    def problems(self, scene: Scene) -> list[str]:
        wanted: defaultdict[str, list[IncidentEvent]] = defaultdict(list)
        book = IncidentBook(self.settings.incidents)
        for one in [*self.before, *scene.records_of(self.settings.topics.incident_input.name)]:
            for event in self._taken(book, one.value):
                wanted[event.data.incident_id].append(event)
        told: defaultdict[str, dict[str, IncidentEvent]] = defaultdict(dict)
        found = []
        for one in scene.records_of(self.settings.topics.severity.name):
            event = msgspec.json.decode(one.value, type=IncidentEvent)
            if told[event.data.incident_id].setdefault(event.id, event) != event:
                found.append(f"{event.id} was told with another content.")
        found += [
            f"{incident} was told as {_named(told[incident].values())}, not {_named(wanted[incident])}."
            for incident in wanted.keys() | told.keys()
            if list(told[incident].values()) != wanted[incident]
        ]
        return sorted(found)

    def _taken(self, book: IncidentBook, value: bytes) -> Sequence[IncidentEvent]:
        try:
            return book.take(decode_input(value))
        except msgspec.DecodeError:
            return ()


def _named(events: Iterable[IncidentEvent]) -> str:
    return " ".join(event.id for event in events)
