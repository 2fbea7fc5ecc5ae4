"""A record of an output topic, as the writers get it."""

from collections.abc import Sequence
from typing import NamedTuple


class Record(NamedTuple):
    """``told_us`` is Kafka's timestamp of it, microseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    told_us: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()

    @property
    def bytes(self) -> int:
        """Of value and key."""
        return len(self.value or b"") + len(self.key or b"")
