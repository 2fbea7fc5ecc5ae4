"""State on compacted topics: content in numbered pieces with a digest of the whole, so that no half is ever taken."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated

import msgspec

VERSION = 1
PIECE_BYTES = 700_000
"""Well below the message limit of a broker that nobody has configured (1 MB)."""
_DIGEST_BYTES = 16
_MOST_PIECES = 10_000

_Whole = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Piece(msgspec.Struct, array_like=True):
    """The value of a record: piece ``index`` of ``count`` of what ``owner`` was at ``position``.

    ``digest`` is that of the whole content (BLAKE2b, 16 bytes).
    """

    version: int
    owner: str
    position: _Whole
    index: _Whole
    count: Annotated[int, msgspec.Meta(ge=1, le=_MOST_PIECES)]
    digest: bytes
    piece: bytes


@dataclass(frozen=True, slots=True)
class Whole:
    """What all pieces together were: the content of ``owner`` at ``position``."""

    owner: str
    position: int
    content: bytes


_decode = msgspec.msgpack.Decoder(Piece).decode
_encode = msgspec.msgpack.Encoder().encode


def split(owner: str, position: int, content: bytes, piece_bytes: int = PIECE_BYTES) -> list[bytes]:
    """The values of the records that hold ``content``.

    >>> [whole.content for whole in Wholes().add(split("shop", 7, b"learned")[0])]
    [b'learned']
    """
    digest = _digest(content)
    pieces = [content[begin : begin + piece_bytes] for begin in range(0, len(content), piece_bytes)] or [b""]
    return [_encode(Piece(VERSION, owner, position, n, len(pieces), digest, one)) for n, one in enumerate(pieces)]


class Wholes:
    """Puts pieces together as they come, in any order; what is unusable is told in ``problems``.

    Of each owner only the pieces of the highest positions are kept while others are missing.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._waiting: dict[str, dict[tuple[int, bytes, int], _Found]] = {}

    @property
    def waiting_since(self) -> int | None:
        """The lowest mark of a piece whose others are missing."""
        return min((found.mark for sets in self._waiting.values() for found in sets.values()), default=None)

    def add(self, value: bytes, mark: int = 0) -> list[Whole]:
        """Take the value of a record; returns what it completes. Never raises, whatever the bytes.

        ``mark``: where the record was found, a number that grows.
        """
        try:
            piece = _decode(value)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self.problems.append(f"A record of {len(value)} bytes is no piece of a state: {error}.")
            return []
        if piece.version != VERSION:
            self.problems.append(
                f"A piece of {piece.owner!r} must be of version {VERSION}. Got version {piece.version} instead."
            )
            return []
        if piece.index >= piece.count:
            self.problems.append(
                f"A piece of {piece.owner!r} must have a number below {piece.count}. Got {piece.index} instead."
            )
            return []
        if piece.count == 1:
            return self._checked(piece, piece.piece)
        sets = self._waiting.setdefault(piece.owner, {})
        identity = (piece.position, piece.digest, piece.count)
        found = sets.setdefault(identity, _Found(mark))
        found.pieces[piece.index] = piece.piece
        if len(found.pieces) < piece.count:
            return []
        del sets[identity]
        return self._checked(piece, b"".join(found.pieces[index] for index in range(piece.count)))

    def _checked(self, piece: Piece, content: bytes) -> list[Whole]:
        if _digest(content) != piece.digest:
            self.problems.append(f"The digest of {piece.owner!r} at {piece.position} is wrong.")
            return []
        left = {one: found for one, found in self._waiting.pop(piece.owner, {}).items() if one[0] > piece.position}
        if left:
            self._waiting[piece.owner] = left
        return [Whole(piece.owner, piece.position, content)]


@dataclass(slots=True)
class _Found:
    """Pieces of one content; ``mark`` is that of the first."""

    mark: int
    pieces: dict[int, bytes] = field(default_factory=dict)


def latest(values: Iterable[bytes]) -> tuple[list[Whole], list[str]]:
    """All complete contents in ``values``, highest position first, and what is unusable."""
    wholes = Wholes()
    found = [whole for value in values for whole in wholes.add(value)]
    return sorted(found, key=lambda whole: -whole.position), wholes.problems


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=_DIGEST_BYTES).digest()
