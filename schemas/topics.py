"""Names, keys, partition counts and retention of every topic, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

DEFAULT_PREFIX = "tracehound."
DEFAULT_PARTITIONS = 12
DEFAULT_OTLP_TOPICS = ("otlp_spans",)
DAY_MS = 86_400_000
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it must exist on the broker.

    ``key`` says what records are keyed by (None: not keyed); a keyed topic never changes its partition count.
    ``config`` holds topic-level settings of the broker beyond ``retention.ms``. An ``internal`` topic is nobody
    else's business. A ``foreign`` one belongs to others: it is created where it is missing, and never changed.
    """

    name: str
    key: str | None
    partitions: int
    retention_ms: int
    value: str
    config: Mapping[str, str] = field(default_factory=dict)
    internal: bool = False
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics under one prefix, and those of others that are read, whose names have no prefix of ours: spans of
    OpenTelemetry Collectors, and executions.

    >>> Topics("acme.").executions.name
    'acme.executions.v1'
    """

    prefix: str = DEFAULT_PREFIX
    partitions: int = DEFAULT_PARTITIONS
    otlp_names: tuple[str, ...] = DEFAULT_OTLP_TOPICS
    execution_names: tuple[str, ...] = ()

    def _topic(self, name: str, key: str | None, value: str, days: int, internal: bool = False, **more: str) -> Topic:
        config = {setting.replace("_", "."): content for setting, content in more.items()}
        return Topic(self.prefix + name, key, self.partitions, days * DAY_MS, value, config, internal)

    def _checkpoints(self, name: str, value: str) -> Topic:
        return self._topic(
            *(name, "partition", value, 7),
            internal=True,
            cleanup_policy="compact",
            min_cleanable_dirty_ratio="0.1",
            max_compaction_lag_ms="60000",
            segment_bytes="16777216",
        )

    @property
    def executions(self) -> Topic:
        """Public input: an execution, or a JSON array of executions of one application."""
        return self._topic(
            "executions.v1",
            "application",
            "Execution",
            7,
            max_message_bytes="8388608",
            compression_type="producer",
        )

    @property
    def control(self) -> Topic:
        """Operators' input: what is to become of models. Who may write here may change what any of them has learned."""
        return self._topic("control.v1", "application", "Control", 7, max_message_bytes="8388608")

    @property
    def anomalies(self) -> Topic:
        """Public output: anomalies as CloudEvents."""
        return self._topic("anomalies.v1", "application", "AnomalyEvent", 30)

    @property
    def progress(self) -> Topic:
        """Public output: how far each application has been scored."""
        return self._topic("progress.v1", "application", "Progress", 7)

    @property
    def models(self) -> Topic:
        """Public output: readiness, training and drift of models as CloudEvents."""
        return self._topic("models.v1", "application", "ModelEvent", 30)

    @property
    def dead_letters(self) -> Topic:
        """Public output: records that could not be used, with their original bytes and key."""
        # larger than the input: a dead letter is the largest record and our headers
        return self._topic("dead-letters.v1", "original key", "bytes", 30, max_message_bytes="9437184")

    @property
    def otlp(self) -> tuple[Topic, ...]:
        """Public input: traces as OpenTelemetry Collectors export them, keyed by anything."""
        return tuple(
            Topic(name, None, self.partitions, DAY_MS, "OTLP", {"max.message.bytes": "8388608"}, foreign=True)
            for name in self.otlp_names
        )

    @property
    def log_events(self) -> Topic:
        """Public input: what applications and machines say of themselves."""
        return self._topic("log-events.v1", "application", "LogEvent", 7, max_message_bytes="8388608")

    @property
    def log_checkpoints(self) -> Topic:
        """Internal: the templates of each partition of ``log_events``."""
        return self._checkpoints("log-checkpoints.v1", "LogCheckpoint")

    @property
    def scored_logs(self) -> Topic:
        """Public output: log events with template, score and severity as CloudEvents."""
        return self._topic("scored-logs.v1", "application", "ScoredLogEvent", 30)

    @property
    def others_executions(self) -> tuple[Topic, ...]:
        """Public input: executions on topics of others, in any form that is read, keyed by anything."""
        return tuple(
            Topic(name, None, self.partitions, DAY_MS, "Execution", foreign=True) for name in self.execution_names
        )

    @property
    def intake_sources(self) -> tuple[Topic, ...]:
        """All topics that traces are joined from."""
        return (*self.otlp, *self.others_executions, self.traces)

    @property
    def traces(self) -> Topic:
        """Public input: executions that are to be joined with others of their trace."""
        return self._topic("traces.v1", "trace id", "Execution", 7, max_message_bytes="8388608")

    @property
    def spans(self) -> Topic:
        """Internal: everything that belongs to a trace in the partition of its trace id."""
        return self._topic("spans.v1", "trace id", "SpanBatch", 1, internal=True, max_message_bytes="8388608")

    @property
    def join_checkpoints(self) -> Topic:
        """Internal: what intake must know of each partition of ``spans`` to go on after a restart."""
        return self._checkpoints("join-checkpoints.v1", "JoinCheckpoint")

    @property
    def model_states(self) -> Topic:
        """Internal: the state of every application's models."""
        return self._topic(
            "model-states.v1",
            "application",
            "ModelState",
            7,
            internal=True,
            cleanup_policy="compact",
            min_cleanable_dirty_ratio="0.1",
            max_compaction_lag_ms="600000",
            segment_bytes="67108864",
            delete_retention_ms=str(7 * DAY_MS),
            max_message_bytes="8388608",
        )

    @property
    def call_graph(self) -> Topic:
        """Public output: who called whom, counted."""
        return self._topic("call-graph.v1", "application", "CallGraph", 7)

    @property
    def incident_input(self) -> Topic:
        """Internal: anomalies, progress and what people say, in one order: one partition."""
        topic = self._topic("incident-input.v1", "environment", "IncidentInput", 7, internal=True)
        return replace(topic, partitions=1)

    @property
    def severity(self) -> Topic:
        """Public output: incidents as CloudEvents."""
        return self._topic("severity.v1", "incident id", "IncidentEvent", 30)

    @property
    def deliveries(self) -> Topic:
        """Public output: what became of messages to receivers, as CloudEvents."""
        return self._topic("deliveries.v1", "incident id", "DeliveryEvent", 30)

    @property
    def feedback(self) -> Topic:
        """Public input: verdicts on anomalies and incidents."""
        return self._topic("feedback.v1", "id of what is judged", "Verdict", 30, cleanup_policy="compact")

    @property
    def maintenance(self) -> Topic:
        """Public input: maintenance windows."""
        return self._topic("maintenance.v1", "id of the window", "Maintenance", 30, cleanup_policy="compact")

    @property
    def incident_states(self) -> Topic:
        """Internal: what is known of incidents, to go on after a restart."""
        return replace(self._checkpoints("incident-states.v1", "IncidentState"), partitions=1)

    @property
    def score_requests(self) -> Topic:
        """Public input: executions that are to be judged and not learned, read by the owner of their application."""
        return replace(
            self._topic("score-requests.v1", "application", "ScoreRequest", 1, max_message_bytes="1048576"),
            retention_ms=_HOUR_MS,
        )

    @property
    def score_answers(self) -> Topic:
        """Public output: what workers say of them. All of whoever asked read all of it: one partition."""
        topic = self._topic("score-answers.v1", "id of the request", "ScoreAnswer", 1, max_message_bytes="8388608")
        return replace(topic, partitions=1, retention_ms=_HOUR_MS)

    @property
    def settings(self) -> Topic:
        """Operators' input: settings of detection that applications have of their own."""
        return self._topic(
            "settings.v1", "application and environment", "ApplicationSettings", 30, cleanup_policy="compact"
        )

    @property
    def tuning_tasks(self) -> Topic:
        """Operators' input: candidate settings that workers try on recorded executions."""
        return self._topic("tuning-tasks.v1", "id of the task", "TuningTask", 1)

    @property
    def recorded_executions(self) -> Topic:
        """Operators' input: executions of files, that settings are tried on and nothing is learned of."""
        return self._topic(
            "recorded-executions.v1",
            "id of the tuning",
            "Execution",
            7,
            max_message_bytes="8388608",
            compression_type="producer",
        )

    @property
    def tuning_results(self) -> Topic:
        """Public output: what each candidate would have told. Whoever asked reads all of it: one partition."""
        topic = self._topic("tuning-results.v1", "id of the tuning", "TuningResult", 7)
        return replace(topic, partitions=1)

    def incidents(self) -> tuple[Topic, ...]:
        """The topics of an incident worker."""
        return (
            self.incident_input,
            self.severity,
            self.feedback,
            self.maintenance,
            self.incident_states,
            self.control,
            self.dead_letters,
        )

    def scoring(self) -> tuple[Topic, ...]:
        """The topics of a scoring worker."""
        return (
            self.executions,
            self.control,
            self.settings,
            self.score_requests,
            self.tuning_tasks,
            self.recorded_executions,
            self.anomalies,
            self.progress,
            self.models,
            self.scored_logs,
            self.score_answers,
            self.tuning_results,
            self.model_states,
            self.incident_input,
            self.dead_letters,
        )

    def intake(self) -> tuple[Topic, ...]:
        """The topics of an intake worker."""
        return (
            *self.intake_sources,
            self.spans,
            self.join_checkpoints,
            self.log_events,
            self.log_checkpoints,
            self.call_graph,
            self.executions,
            self.dead_letters,
        )

    def notify(self) -> tuple[Topic, ...]:
        """The topics of a notifier."""
        return (self.severity, self.deliveries, self.dead_letters)

    def public(self) -> tuple[Topic, ...]:
        """The topics that others write or read."""
        return tuple(topic for topic in self.all() if not topic.internal)

    def all(self) -> tuple[Topic, ...]:
        """Every topic that the topic-creating script makes."""
        every = (*self.scoring(), *self.intake(), *self.incidents(), *self.notify())
        return tuple({topic.name: topic for topic in every}.values())
