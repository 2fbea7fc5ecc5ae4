"""What a record of each output topic is in rows: one file a topic, and which of them writes which topic."""

from collections.abc import Mapping

from tracehound.console.store.reader.writers.anomalies import AnomalyWriter
from tracehound.console.store.reader.writers.application_settings import ApplicationSettingsWriter
from tracehound.console.store.reader.writers.call_graph import CallGraphWriter
from tracehound.console.store.reader.writers.dead_letters import DeadLetterWriter
from tracehound.console.store.reader.writers.deliveries import DeliveryWriter
from tracehound.console.store.reader.writers.incidents import IncidentWriter
from tracehound.console.store.reader.writers.maintenance import MaintenanceWriter
from tracehound.console.store.reader.writers.model_events import ModelEventWriter
from tracehound.console.store.reader.writers.progress import ProgressWriter
from tracehound.console.store.reader.writers.scored_logs import ScoredLogWriter
from tracehound.console.store.reader.writers.tuning import TuningResultWriter, TuningTaskWriter
from tracehound.console.store.reader.writers.verdicts import VerdictWriter
from tracehound.console.store.reader.writers.writer import Writer
from tracehound.schemas.topics import Topic, Topics


def writers(topics: Topics) -> Mapping[str, Writer]:
    """The writer of each topic that is stored, by the topic's name."""
    return {topic.name: writer for topic, writer in _writers(topics)}


def stored(topics: Topics) -> tuple[Topic, ...]:
    """The topics that are stored."""
    return tuple(topic for topic, _ in _writers(topics))


def _writers(topics: Topics) -> tuple[tuple[Topic, Writer], ...]:
    return (
        (topics.anomalies, AnomalyWriter()),
        (topics.severity, IncidentWriter()),
        (topics.models, ModelEventWriter()),
        (topics.progress, ProgressWriter()),
        (topics.call_graph, CallGraphWriter()),
        (topics.dead_letters, DeadLetterWriter()),
        (topics.scored_logs, ScoredLogWriter()),
        (topics.deliveries, DeliveryWriter()),
        (topics.settings, ApplicationSettingsWriter()),
        (topics.tuning_tasks, TuningTaskWriter()),
        (topics.tuning_results, TuningResultWriter()),
        (topics.feedback, VerdictWriter()),
        (topics.maintenance, MaintenanceWriter()),
    )
