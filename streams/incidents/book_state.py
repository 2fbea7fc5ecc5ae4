"""What is saved of incidents: a book's snapshot and the offset below which everything is in it, in pieces."""

from collections.abc import Iterable
from dataclasses import dataclass

from tracehound.schemas.pieces import Whole, latest, split
from tracehound.streams.kafka.forwarding import named

_OWNER = "incidents/{}"


@dataclass(frozen=True, slots=True)
class BookState:
    """A snapshot of ``detectors.incidents.book.IncidentBook`` after all records below ``position``.

    ``topic_id`` says which topic of incidents' input it is an offset of; empty where nobody knew.
    """

    position: int
    snapshot: bytes
    topic_id: str = ""


def pack_state(partition: int, state: BookState) -> list[bytes]:
    """The values of the records that hold a state."""
    return split(named(_OWNER.format(partition), state.topic_id), state.position, state.snapshot)


def unpack_state(partition: int, values: Iterable[bytes]) -> tuple[BookState | None, list[str]]:
    """The state of a partition with the highest position of which all pieces are there and sound.

    Returns:
        The state, or None if there is none, and a sentence for each record or state that is unusable.

    >>> unpack_state(0, [*pack_state(0, BookState(7, b"seven")), *pack_state(0, BookState(9, b"nine"))])
    (BookState(position=9, snapshot=b'nine', topic_id=''), [])
    """
    wholes, problems = latest(values)
    owner = _OWNER.format(partition)
    problems += [
        f"A state must be that of {owner!r}. Got {one.owner!r} instead." for one in wholes if not _is_of(one, owner)
    ]
    own = [
        BookState(whole.position, whole.content, whole.owner.partition("@")[2])
        for whole in wholes
        if _is_of(whole, owner)
    ]
    return (own[0] if own else None), problems


def _is_of(whole: Whole, owner: str) -> bool:
    return whole.owner.partition("@")[0] == owner
