"""What the join of a partition knows besides the spans of open traces."""

from dataclasses import dataclass, field

from tracehound.schemas.join_checkpoint import LongTrace
from tracehound.schemas.spans import Tick
from tracehound.streams.intake.closed_traces import ClosedTraces
from tracehound.streams.intake.sent_messages import SentMessages
from tracehound.streams.intake.source_clocks import SourceClocks


@dataclass(slots=True)
class JoinMemory:
    """What a buffer must know besides the records from ``low`` on.

    ``exceptions`` are records that are not to be taken by their word: by offset the source's clock at that time
    where the record says less, or None for one that came before. ``late`` are fingerprints of open traces that
    were closed once already. ``told`` and ``long`` are those of a ``JoinCheckpoint``, and only looked at in the
    beginning. ``sent`` are messages of all partitions.
    """

    clocks: SourceClocks
    closed: ClosedTraces = field(default_factory=ClosedTraces)
    exceptions: dict[int, int | None] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)
    told: dict[int, dict[int, int]] = field(default_factory=dict)
    long: list[LongTrace] = field(default_factory=list)
    sent: SentMessages = field(default_factory=SentMessages)

    def tick(self, tick: Tick) -> None:
        """Take in how far sources were read, and what messages they told of."""
        self.clocks.tick(tick)
        self.sent.add(tick.sent)
