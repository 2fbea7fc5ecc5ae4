"""The consumer groups of all processes that read topics: who reads what, and what for."""

from dataclasses import dataclass

from tracehound.streams.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of process: its command, its consumer group, the topics that it reads, and what it is needed for."""

    command: str
    group: str
    topics: tuple[str, ...]
    needed_for: str


def groups_of(settings: Settings) -> tuple[Group, ...]:
    """Every kind of process that reads as a group.

    >>> [group.command for group in groups_of(Settings())]
    ['worker', 'intake', 'incidents', 'notify']
    """
    topics = settings.topics
    return (
        Group("worker", settings.group_id, (topics.executions.name,), "scoring"),
        Group(
            "intake",
            settings.intake.group_id,
            tuple(topic.name for topic in topics.intake_sources),
            "joining traces",
        ),
        Group("incidents", settings.incident_worker.group_id, (topics.incident_input.name,), "incidents"),
        Group("notify", settings.notify.group_id, (topics.severity.name,), "telling people"),
    )
