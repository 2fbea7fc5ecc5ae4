"""What the consumer of runs needs of the app that it reads for."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from faust.types import TP

from tracehound.streams.kafka.runs.run import MakeRun


class ReadingApp(Protocol):
    """The last two are Faust's."""

    @property
    def run_topics(self) -> Collection[str]:
        """The topics that are read in runs."""
        ...

    make_run: MakeRun

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        """Reading begins at these committed offsets."""
        ...

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        """The broker no longer has offset ``wanted``; reading goes on at ``resumed_at``."""
        ...

    async def finish_runs(self) -> None:
        """Hand nothing more over, and let those who read finish what they have."""
        ...

    async def topic_id(self, topic: str) -> str:
        """The id that the cluster gave a topic; empty where it gives none."""
        ...

    @property
    def consumer_generation_id(self) -> int:
        """The generation of the consumer group."""
        ...

    @property
    def monitor(self) -> Any:
        """Faust's statistics."""
        ...
