"""How far the sources of the spans topic have been read, and so the time up to which nothing more can come."""

import math
from dataclasses import dataclass

from tracehound.schemas.spans import SourceName, Tick

BEGINNING = -math.inf


@dataclass(slots=True)
class Source:
    """One partition of one input topic, as one partition of the spans topic knows it.

    ``clock_ms`` is the highest Kafka timestamp of what was read of it (None: nothing yet), ``heard_ms`` the
    common clock when it was last heard of, ``sequence`` the last record of it that was taken, of the topic
    ``topic_id`` (empty: not known).
    """

    clock_ms: int | None
    heard_ms: int
    sequence: int = -1
    topic_id: str = ""


class SourceClocks:
    """The clocks of all sources. The *watermark* is the lowest: every source has been read up to there.

    A source that is known and has told no clock yet holds the watermark back at the beginning. One that nobody
    has read for ``patience_ms`` of the senders' clocks no longer holds it back. Where all senders were away for
    that long, all sources get that long to be heard of again.

    Everything follows from the order of the records alone, so a replay gives the same watermarks.
    """

    def __init__(self, patience_ms: int) -> None:
        self._patience_ms = patience_ms
        self.sources: dict[SourceName, Source] = {}
        self.now_ms = 0
        self.watermark_ms: float = BEGINNING

    def take(self, name: SourceName, sequence: int, clock_ms: int, topic_id: str = "") -> int | None:
        """Note a record of a source; returns its time, or None for a record that came before.

        That is the source's clock, or the watermark where that is ahead: what a source brings after it was given
        up is waited for like anything else.
        """
        source = self.sources.get(name)
        if source is None:
            source = self.sources[name] = Source(None, self.now_ms)
        elif sequence <= source.sequence and not (topic_id and source.topic_id and topic_id != source.topic_id):
            return None
        source.sequence = sequence
        source.topic_id = topic_id or source.topic_id
        source.heard_ms = self.now_ms
        before = source.clock_ms
        source.clock_ms = clock_ms if before is None else max(before, clock_ms)
        if before is None or before <= self.watermark_ms < source.clock_ms:
            self._advance()
        return max(source.clock_ms, int(max(self.watermark_ms, 0)))

    def tick(self, tick: Tick) -> None:
        """Note what a sender tells of its sources."""
        if tick.sent_ms - self.now_ms > self._patience_ms:  # nobody was there to tell anything
            for source in self.sources.values():
                source.heard_ms = tick.sent_ms
        self.now_ms = max(self.now_ms, tick.sent_ms)
        for topic, partition, clock_ms in tick.clocks:
            source = self.sources.setdefault((topic, partition), Source(None, self.now_ms))
            if clock_ms is not None:
                source.heard_ms = self.now_ms
                source.clock_ms = clock_ms if source.clock_ms is None else max(source.clock_ms, clock_ms)
        self._advance()

    def _advance(self) -> None:
        heard_ms = self.now_ms - self._patience_ms
        clocks = [source.clock_ms for source in self.sources.values() if source.heard_ms >= heard_ms]
        if clocks and None not in clocks:
            self.watermark_ms = max(self.watermark_ms, min(clock for clock in clocks if clock is not None))
