"""A topic that is made anew while a worker reads it."""

from collections.abc import Sequence

from tracehound.streams.kafka.extent import Extent


class RemadeTopic:
    """Says how far partition 0 of a topic goes, and has the id ``before``, and ``after`` once it was made anew."""

    def __init__(self, end: int) -> None:
        self._now = Extent("before", {0: end})

    def make_anew(self, end: int) -> None:
        """From now on another topic has its name, which ends there."""
        self._now = Extent("after", {0: end})

    async def extent(self, numbers: Sequence[int]) -> Extent:
        """See ``ExtentOf``."""
        return self._now
