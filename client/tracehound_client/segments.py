"""Segments of the execution that runs."""

from types import TracebackType

from tracehound_client.executions import PLACE, Place, Segment
from tracehound_client.kinds import SegmentKind
from tracehound_client.recording import Recorder


class SegmentRecorder(Recorder[Segment]):
    """What ``segment`` gives."""

    def __init__(self, name: str, kind: SegmentKind, peer: str) -> None:
        self._name, self._kind, self._peer = name, kind, peer
        self._before: Place | None = None
        self._kept = False
        self._segment: Segment | None = None

    def __enter__(self) -> Segment:
        before = self._before = PLACE.get()
        segment = before[0].begin_segment(self._name, self._kind, before[1]) if before else None
        self._kept = segment is not None
        if before and segment is not None:
            PLACE.set((before[0], segment))
        else:  # nobody records it, and the block need not know
            segment = Segment(self._name, self._kind, None)
        segment.peer = self._peer
        self._segment = segment
        return segment

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._segment is not None:
            self._segment.end(error)
        if self._kept and self._is_around():
            PLACE.set(self._before)

    def _is_around(self) -> bool:
        """Whether what runs here runs in it: a generator that is thrown away in its midst ends it anywhere."""
        place = PLACE.get()
        found = place[1] if place else None
        while found is not None and found is not self._segment:
            found = found.parent
        return found is not None

    def again(self, name: str) -> "SegmentRecorder":
        """Another one like this, for one call of a function of this name."""
        return SegmentRecorder(self._name or name, self._kind, self._peer)


def segment(name: str = "", kind: SegmentKind = "code", peer: str = "") -> SegmentRecorder:
    """Record a part of the execution that runs: a block of ``with``, or each call of a function.

    Outside of any execution it does nothing, so that libraries may use it whatever they are used in.

    Parameters:
        name: what is done, without values in it; a decorated function's own name if it is empty.
        kind: what it does.
        peer: who is called, for instance an application or a database.

    >>> with segment("SELECT cart", "db", peer="postgres"):
    ...     pass
    >>> @segment()
    ... def price() -> float:
    ...     return 9.5
    """
    return SegmentRecorder(name, kind, peer)
