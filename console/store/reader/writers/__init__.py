"""What a record of each output topic is in rows: one file a topic, and which of them writes which topic."""

from collections.abc import Mapping

from tracehound.console.store.reader.writers.anomalies import AnomalyWriter
from tracehound.console.store.reader.writers.call_graph import CallGraphWriter
from tracehound.console.store.reader.writers.dead_letters import DeadLetterWriter
from tracehound.console.store.reader.writers.incidents import IncidentWriter
from tracehound.console.store.reader.writers.maintenance import MaintenanceWriter
from tracehound.console.store.reader.writers.model_events import ModelEventWriter
from tracehound.console.store.reader.writers.progress import ProgressWriter
from tracehound.console.store.reader.writers.scored_logs import ScoredLogWriter
from tracehound.console.store.reader.writers.verdicts import VerdictWriter
from tracehound.console.store.reader.writers.writer import Writer
from tracehound.schemas.topics import Topics


def writers(topics: Topics) -> Mapping[str, Writer]:
    """The writer of each topic that is stored, by the topic's name."""
    return {
        topics.anomalies.name: AnomalyWriter(),
        topics.severity.name: IncidentWriter(),
        topics.models.name: ModelEventWriter(),
        topics.progress.name: ProgressWriter(),
        topics.call_graph.name: CallGraphWriter(),
        topics.dead_letters.name: DeadLetterWriter(),
        topics.scored_logs.name: ScoredLogWriter(),
        topics.feedback.name: VerdictWriter(),
        topics.maintenance.name: MaintenanceWriter(),
    }
