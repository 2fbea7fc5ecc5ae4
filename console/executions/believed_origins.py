"""Which origins in headers are believed: those of topics that there are, and of records that these hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from tracehound.schemas.errors import TracehoundError
from tracehound.streams.kafka.extent import Extent
from tracehound.streams.kafka.forwarding import Origin, OriginTopic, read_origin

_REST_S = 30.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class BelievedOrigins:
    """Reads the origin of a record, as far as its topic is there under the same id and holds what it names.

    Anybody who may write executions may write such headers: numbers beyond the end of a topic would have all that
    follows taken for counted. See ``streams.kafka.origin_bounds``, which does the same for workers.

    Parameters:
        topics: those that origins may name.
        extent_of: asks how far a topic goes now.
        elapsed: elapsed seconds; after a topic did not answer it is left alone for a while.

    ``refused`` counts those that were not believed: their records count as any.
    """

    topics: Mapping[str, OriginTopic]
    extent_of: Callable[[str], Extent]
    elapsed: Callable[[], float]
    refused: int = 0
    _known: dict[str, Extent] = field(default_factory=dict)
    _not_before_s: dict[str, float] = field(default_factory=dict)

    def __call__(self, headers: Sequence[tuple[str, bytes]]) -> Origin | None:
        """The origin in the headers, if there is one that is believed."""
        most = max(topic.partitions for topic in self.topics.values())
        origin = read_origin(headers, self.topics.keys(), most)
        if origin is None or self._holds(origin):
            return origin
        self._ask(origin.topic)
        if self._holds(origin):
            return origin
        self.refused += 1
        return None

    def _holds(self, origin: Origin) -> bool:
        extent = self._known.get(origin.topic)
        if extent is None or not extent.is_of(origin.topic_id):
            return False
        return origin.offset // self.topics[origin.topic].per_offset < extent.ends.get(origin.partition, 0)

    def _ask(self, topic: str) -> None:
        now_s = self.elapsed()
        if now_s < self._not_before_s.get(topic, 0.0):
            return
        try:
            self._known[topic] = self.extent_of(topic)
            self._not_before_s[topic] = now_s + 0.2  # a flood of wrong ones asks a few times a second
        except TracehoundError as error:
            self._not_before_s[topic] = now_s + _REST_S
            log.warning(
                "origins_not_checked",
                sentence=f"How far {topic} goes cannot be asked, so records that name it as their origin count as any.",
                topic=topic,
                cause=str(error),
            )
