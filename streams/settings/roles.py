"""Who needs to read and write which topics: roles, as access control of Kafka has to know them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tracehound.streams.settings.settings import Settings

COMMANDS_GROUP: Final = "tracehound-commands"
"""The group that commands name, though they join none: librdkafka asks for it."""


@dataclass(frozen=True, slots=True)
class Role:
    """Names of topics and groups: what is read and written, what is only looked at, and the groups that are joined.

    To read or to write a topic is to see it, too.
    """

    about: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def grants(self) -> Iterator[tuple[str, str, str]]:
        """Operation, kind of resource and name of each permission that the role needs."""
        for operation, names in (("READ", self.reads), ("WRITE", self.writes), ("DESCRIBE", self.sees)):
            yield from ((operation, "TOPIC", name) for name in dict.fromkeys(names))
        yield from (("READ", "GROUP", name) for name in self.groups)


def roles(settings: Settings) -> Mapping[str, Role]:
    """Every role by its name, with no more than it needs.

    >>> roles(Settings())["notify"].reads
    ('tracehound.severity.v1',)
    """
    topics = settings.topics
    sources = tuple(topic.name for topic in topics.intake_sources)
    executions, dead_letters = topics.executions.name, topics.dead_letters.name
    traces, spans, control = topics.traces.name, topics.spans.name, topics.control.name
    otlp = settings.intake.otlp_topic_names
    logs, log_checkpoints, scored_logs = (
        topic.name for topic in (topics.log_events, topics.log_checkpoints, topics.scored_logs)
    )
    score_requests, score_answers = topics.score_requests.name, topics.score_answers.name
    tuning_tasks, tuning_results = topics.tuning_tasks.name, topics.tuning_results.name
    recorded = topics.recorded_executions.name
    own_settings = topics.settings.name
    people = (topics.feedback.name, topics.maintenance.name)
    outputs = (topics.anomalies.name, topics.progress.name, topics.models.name)
    told = (
        *(*outputs, scored_logs, topics.severity.name, topics.call_graph.name, dead_letters),
        *(topics.model_states.name, topics.maintenance.name),
    )
    return {
        "worker": Role(
            "tracehound worker",
            reads=(
                *(executions, control, own_settings, score_requests, tuning_tasks, tuning_results),
                *(recorded, topics.model_states.name),
            ),
            writes=(
                *(executions, *outputs, scored_logs, score_answers, tuning_results, topics.model_states.name),
                *(topics.incident_input.name, dead_letters),
            ),
            sees=(spans, logs),
            groups=(settings.group_id,),
        ),
        "intake": Role(
            "tracehound intake",
            reads=(*sources, spans, topics.join_checkpoints.name, logs, log_checkpoints),
            writes=(
                *(spans, topics.join_checkpoints.name, logs, log_checkpoints),
                *(executions, topics.call_graph.name, dead_letters),
            ),
            groups=(settings.intake.group_id,),
        ),
        "incidents": Role(
            "tracehound incidents",
            reads=(topics.incident_input.name, *people, topics.incident_states.name),
            writes=(
                *(topics.incident_input.name, topics.incident_states.name, topics.severity.name),
                *(control, dead_letters),
            ),
            groups=(settings.incident_worker.group_id,),
        ),
        "notify": Role(
            "tracehound notify",
            reads=(topics.severity.name,),
            writes=(topics.deliveries.name, dead_letters),
            groups=(settings.notify.group_id,),
        ),
        "gateway": Role("tracehound gateway", writes=(executions, logs, *otlp[:1])),
        "producer": Role(
            "producers of executions and log events, tracehound replay", writes=(executions, traces, logs)
        ),
        "collector": Role("OpenTelemetry Collectors", writes=otlp),
        "reader": Role(
            "tracehound tail, incidents list and show, models list, deadletters list, status",
            reads=told,
            sees=tuple(topic.name for topic in topics.all() if topic.name not in told),
        ),
        "console": Role(
            "tracehound console",
            reads=(
                *(*outputs, scored_logs, topics.severity.name, topics.call_graph.name, dead_letters),
                *(*people, topics.deliveries.name, score_answers, own_settings, executions),
                *(tuning_tasks, tuning_results),
            ),
            # what people say on it, dead letters again to where they came from, training, tuning and predictions
            writes=(
                *(*people, executions, logs, *sources, control, own_settings, score_requests),
                *(tuning_tasks, tuning_results),
            ),
            sees=(spans,),
            groups=(settings.console.group_id, settings.kept_executions.group_id),
        ),
        "executions": Role(
            "tracehound console --only executions",
            reads=(executions,),
            sees=(topics.spans.name, logs),
            groups=(settings.kept_executions.group_id,),
        ),
        "predictions": Role(
            "tracehound score",
            reads=(score_answers,),
            writes=(score_requests,),
        ),
        "person": Role(
            "tracehound feedback, maintenance",
            reads=(topics.anomalies.name, topics.severity.name, *people, *outputs[1:], topics.model_states.name),
            writes=people,
        ),
        "operator": Role(
            "tracehound models export, import, reset, refit; tune; deadletters resend",
            reads=(topics.model_states.name, dead_letters, tuning_results),
            writes=(control, tuning_tasks, recorded, executions, traces, logs, *otlp),
        ),
    }
