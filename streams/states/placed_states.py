"""State of a partition and the offset below which everything is in it, in pieces for a compacted topic."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tracehound.schemas.pieces import Whole, latest, split
from tracehound.streams.kafka.forwarding import named


@dataclass(frozen=True, slots=True)
class PlacedState:
    """A snapshot after all records below ``position``.

    ``topic_id`` says which topic it is an offset of; empty where nobody knew.
    """

    position: int
    snapshot: bytes
    topic_id: str = ""


class PlacedStates:
    """How states of one kind are written and read.

    Parameters:
        kind: whose they are; part of what is written.

    >>> states = PlacedStates("logs")
    >>> states.unpack(0, [*states.pack(0, PlacedState(7, b"seven")), *states.pack(0, PlacedState(9, b"nine"))])
    (PlacedState(position=9, snapshot=b'nine', topic_id=''), [])
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def pack(self, partition: int, state: PlacedState) -> list[bytes]:
        """The values of the records that hold a state."""
        return split(named(f"{self._kind}/{partition}", state.topic_id), state.position, state.snapshot)

    def unpack(
        self, partition: int, values: Iterable[bytes], is_of: Callable[[str], bool] = lambda _: True
    ) -> tuple[PlacedState | None, list[str]]:
        """The state of a partition with the highest position of which all pieces are there and sound.

        Parameters:
            is_of: whether a topic's id may be that of the topic which is there now: states of it come before others.

        Returns:
            The state, or None if there is none, and a sentence for each record or state that is unusable.
        """
        wholes, problems = latest(values)
        owner = f"{self._kind}/{partition}"
        problems += [
            f"A state must be that of {owner!r}. Got {one.owner!r} instead." for one in wholes if not _is_of(one, owner)
        ]
        own = [one for one in wholes if _is_of(one, owner)]
        if not own:
            return None, problems
        states = [PlacedState(one.position, one.content, one.owner.partition("@")[2]) for one in own]
        return next((state for state in states if is_of(state.topic_id)), states[0]), problems


def _is_of(whole: Whole, owner: str) -> bool:
    return whole.owner.partition("@")[0] == owner
