"""Names, keys, partition counts and retention of every topic, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_PREFIX = "tracehound."
DEFAULT_PARTITIONS = 12
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it must exist on the broker.

    ``key`` says what records are keyed by (None: not keyed); a keyed topic never changes its partition count.
    ``config`` holds topic-level settings of the broker beyond ``retention.ms``.
    """

    name: str
    key: str | None
    partitions: int
    retention_ms: int
    value: str
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics under one prefix. Iterate over ``all()`` to create or check them.

    >>> Topics("acme.").executions.name
    'acme.executions.v1'
    """

    prefix: str = DEFAULT_PREFIX
    partitions: int = DEFAULT_PARTITIONS

    def _topic(self, name: str, key: str | None, value: str, days: int, **more: str) -> Topic:
        config = {setting.replace("_", "."): content for setting, content in more.items()}
        return Topic(self.prefix + name, key, self.partitions, days * DAY_MS, value, config)

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

    def all(self) -> tuple[Topic, ...]:
        """Every topic that the topic-creating script makes and the workers check."""
        return (self.executions, self.anomalies, self.progress, self.models, self.dead_letters)
