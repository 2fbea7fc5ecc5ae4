"""The one place where an incident worker is put together: settings in, a Faust app out."""

import asyncio
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any

import structlog
from faust.types import TP
from prometheus_client import CollectorRegistry

from tracehound.detectors.incidents.book import IncidentBook
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.incidents.book_state import pack_state, unpack_state
from tracehound.streams.incidents.group_incidents import PARTITION, Book, Grouping, group_incidents
from tracehound.streams.incidents.hear_people import Hearing, hear_people
from tracehound.streams.incidents.metrics import IncidentCollector, IncidentMetrics
from tracehound.streams.incidents.vitals import IncidentVitals
from tracehound.streams.kafka.changelog import KafkaChangelogReader
from tracehound.streams.kafka.publisher import KafkaPublisher
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.settings.settings import Settings
from tracehound.streams.states.checkpoint_log import CheckpointLog
from tracehound.streams.worker.health import HealthServer
from tracehound.streams.worker.worker_app import WorkerApp, faust_options

log = structlog.get_logger(__name__)


class _Listener:
    """Tells both agents what the consumer has to say (``RunListener``)."""

    def __init__(self, input_topic: str, metrics: IncidentMetrics, patience_s: float) -> None:
        self._input_topic = input_topic
        self._metrics = metrics
        self._patience_s = patience_s
        self.parts: tuple[Grouping, Hearing] | None = None
        self.load: Callable[[], None] = lambda: None

    async def finish_runs(self) -> None:
        """Finish what is at hand and save it, or give up after the patience."""
        if self.parts is None:
            return
        grouping, hearing = self.parts
        try:
            async with asyncio.timeout(self._patience_s):
                await asyncio.gather(grouping.save(), hearing.finish())
        except TimeoutError:
            log.warning(
                "runs_given_up",
                sentence=f"Not everything could be delivered within {self._patience_s:g} s; "
                "it will be read and delivered again.",
            )

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        """Reading begins at these offsets."""
        if self.parts is not None:
            own = [offset for tp, offset in committed.items() if tp == TP(self._input_topic, PARTITION)]
            if own and self.parts[0].positioned(own[0]):
                self.load()

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        """Records were deleted before they were read."""
        self._metrics.offsets_lost.inc(max(0, resumed_at - wanted))
        log.error(
            "offsets_lost",
            sentence=f"Records {wanted} to {resumed_at - 1} of {tp.topic} were deleted before they were read.",
        )


def build_incidents(settings: Settings, registry: CollectorRegistry | None = None) -> WorkerApp:
    """Assemble an incident worker.

    Parameters:
        settings: everything that can be set.
        registry: takes the metrics; without it a new one.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    topics, own = settings.topics, settings.incident_worker
    states = topics.incident_states.name
    metrics = IncidentMetrics(registry or CollectorRegistry())
    said = {topics.feedback.name, topics.maintenance.name}
    listener = _Listener(topics.incident_input.name, metrics, settings.finish_timeout_s)
    app = WorkerApp(own.group_id, runs=listener, **faust_options(settings, {*said, topics.incident_input.name}))
    app.topics_needed = topics.incidents()
    publisher = KafkaPublisher(settings)
    vitals = IncidentVitals(app, topics.incident_input.name)

    def crash(error: BaseException) -> None:
        app.add_future(app.crash(error))

    def delivery() -> Delivery:
        return Delivery(publisher, topics.dead_letters.name, metrics, settings.max_runs_in_flight, crash)

    def restored(snapshot: bytes | None) -> Book:
        if snapshot is None:
            return IncidentBook(settings.incidents)
        return IncidentBook.restore(snapshot, settings.incidents)

    grouping = Grouping(
        restored,
        CheckpointLog(states, KafkaChangelogReader(settings, states), publisher, pack_state, unpack_state),
        delivery(),
        topics,
        metrics,
        vitals.generation,
        vitals.progressed,
    )
    hearing = Hearing(delivery(), topics, metrics, vitals.progressed)
    listener.parts = (grouping, hearing)
    app.health = HealthServer(
        metrics.registry, vitals, settings.http_host, own.http_port, settings.stall_timeout_s, crash
    )
    app.services_first = (app.health, publisher)
    metrics.registry.register(IncidentCollector(grouping.statistics, vitals.waiting_by_topic))

    async def group(stream: AsyncIterable[Run]) -> None:
        await app.or_crash(group_incidents(stream, grouping))

    async def hear(stream: AsyncIterable[Run]) -> None:
        await app.or_crash(hear_people(stream, hearing))

    async def save() -> None:
        await app.or_crash(grouping.save())

    def load() -> None:
        app.add_future(grouping.load())

    async def assigned(_app: Any, assigned: set[TP], **_: Any) -> None:
        if grouping.assign(TP(topics.incident_input.name, PARTITION) in assigned):
            load()

    listener.load = load
    app.agent(app.run_topic(topics.incident_input.name), name="group_incidents")(group)
    app.agent(app.run_topic(*sorted(said)), name="hear_people")(hear)
    app.on_partitions_assigned.connect(assigned)
    app.task(lambda: app.every(own.save_interval_s, save))
    return app
