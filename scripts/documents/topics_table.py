"""The table of topics, generated from the code."""

from tracehound.console.store.reader.writers import stored
from tracehound.schemas.topics import Topic, Topics
from tracehound.scripts.documents.measured import table

_DAY_MS = 86_400_000


def topics_table() -> str:
    """All topics in the order in which they are made: what they hold, who may use them, and their settings."""
    names = Topics()
    ways = {
        "worker": names.scoring(),
        "intake": names.intake(),
        "incidents": names.incidents(),
        "notify": names.notify(),
        "console": (names.executions, *stored(names)),
    }
    rows = [
        [
            f"`{topic.name}`",
            topic.key or "–",
            topic.value,
            str(topic.partitions),
            f"{topic.retention_ms / _DAY_MS:g} days",
            _whose(topic),
            ", ".join(process for process, used in ways.items() if topic in used),
            ", ".join(f"`{name}={value}`" for name, value in topic.config.items()),
        ]
        for topic in names.all()
    ]
    head = ("topic", "key", "value", "partitions", "retention", "whose", "used by", "settings beyond the broker's")
    return table(head, rows)


def _whose(topic: Topic) -> str:
    if topic.foreign:
        return "others'; made where it is missing, never changed"
    return "internal" if topic.internal else "public"
