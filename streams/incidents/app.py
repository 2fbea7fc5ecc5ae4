"""The one place where an incident worker is put together; nothing connects before it starts."""

from tracehound.detectors.incidents.book import IncidentBook
from tracehound.streams.incidents.group_incidents import Book, Grouping, group_incidents
from tracehound.streams.incidents.hear_people import Hearing, hear_people
from tracehound.streams.incidents.metrics import IncidentCollector, IncidentMetrics
from tracehound.streams.kafka.asked_extent import extent_of
from tracehound.streams.kafka.changelog import KafkaChangelogReader
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.settings.settings import Settings
from tracehound.streams.states.checkpoint_log import CheckpointLog
from tracehound.streams.states.placed_states import PlacedStates
from tracehound.streams.worker.consumer_vitals import ConsumerVitals
from tracehound.streams.worker.foundation import Foundation
from tracehound.streams.worker.worker import Worker

_DAY_S = 86_400.0


def build_incidents(settings: Settings, clients: KafkaClients | None = None) -> Worker:
    """Assemble an incident worker.

    Parameters:
        settings: everything that can be set.
        clients: of the cluster; without them those that the settings name.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    topics, own = settings.topics, settings.incident_worker
    base = Foundation(settings, clients)
    metrics = IncidentMetrics(base.registry)
    app = base.app(own.group_id, metrics.offsets_lost)
    vitals = ConsumerVitals(app, topics.incident_input.name)

    def restored(snapshot: bytes | None) -> Book:
        if snapshot is None:
            return IncidentBook(settings.incidents, log_suffix=settings.intake.log_suffix)
        return IncidentBook.restore(snapshot, settings.incidents, settings.intake.log_suffix)

    changelog, states = KafkaChangelogReader(base.clients, topics.incident_states.name), PlacedStates("incidents")
    grouping = Grouping(
        restored,
        CheckpointLog(
            topics.incident_states.name,
            changelog,
            base.publisher,
            states.pack,
            states.unpack,
            extent_of(base.clients, topics.incident_input.name),
        ),
        base.delivery(metrics),
        topics,
        metrics,
        app.generation,
        app.add_future,
        vitals.progressed,
    )
    hearing = Hearing(base.delivery(metrics), topics, metrics, own.max_maintenance_days * _DAY_S, vitals.progressed)
    metrics.registry.register(IncidentCollector(grouping.statistics, vitals.waiting_by_topic))

    app.read_runs([topics.incident_input.name], group_incidents, grouping)
    app.read_runs([topics.feedback.name, topics.maintenance.name], hear_people, hearing)
    app.repeat(own.save_interval_s, grouping.save)
    health = base.health(vitals, own.http_port)
    return Worker("incidents", own.group_id, app, health, base.failure, topics.incidents())
