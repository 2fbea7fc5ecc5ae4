"""What is saved of incidents: a book's snapshot and the offset below which everything is in it, in pieces."""

from collections.abc import Iterable
from dataclasses import dataclass

from tracehound.schemas.pieces import latest, split

_OWNER = "incidents/{}"


@dataclass(frozen=True, slots=True)
class BookState:
    """A snapshot of ``detectors.incidents.book.IncidentBook`` after all records below ``position``."""

    position: int
    snapshot: bytes


def pack_state(partition: int, state: BookState) -> list[bytes]:
    """The values of the records that hold a state."""
    return split(_OWNER.format(partition), state.position, state.snapshot)


def unpack_state(partition: int, values: Iterable[bytes]) -> tuple[BookState | None, list[str]]:
    """The state of a partition with the highest position of which all pieces are there and sound.

    Returns:
        The state, or None if there is none, and a sentence for each record or state that is unusable.

    >>> unpack_state(0, [*pack_state(0, BookState(7, b"seven")), *pack_state(0, BookState(9, b"nine"))])
    (BookState(position=9, snapshot=b'nine'), [])
    """
    wholes, problems = latest(values)
    owner = _OWNER.format(partition)
    problems += [
        f"A state must be that of {owner!r}. Got {one.owner!r} instead." for one in wholes if one.owner != owner
    ]
    own = [BookState(whole.position, whole.content) for whole in wholes if whole.owner == owner]
    return (own[0] if own else None), problems
