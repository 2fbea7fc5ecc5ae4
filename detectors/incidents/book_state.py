"""Everything that incidents are made of, as bytes and back: versioned, bounded, and without anything to run."""

from hashlib import blake2b

import msgspec

from tracehound.detectors.incidents.book_numbers import check_environment, check_habits, check_numbers
from tracehound.detectors.incidents.environment import EnvironmentState
from tracehound.detectors.incidents.teaching import TeachingState
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.feedback import Maintenance

VERSION = 1
_FIELDS = 5
_DIGEST_BYTES = 16


class BookState(msgspec.Struct, array_like=True):
    """The state of a book. ``incidents`` counts all that there ever were; ``seen`` maps digests of the ids of
    anomalies, oldest first, to the number of the incident that each belongs to; ``heard`` counts what was heard of
    environments.
    """

    version: int = VERSION
    incidents: int = 0
    environments: dict[str, EnvironmentState] = {}
    seen: dict[bytes, int] = {}
    windows: dict[str, Maintenance] = {}
    teaching: TeachingState = msgspec.field(default_factory=TeachingState)
    heard: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(BookState).decode
_decode_parts = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decode_version = msgspec.msgpack.Decoder(int).decode


def pack_book(state: BookState) -> bytes:
    """The bytes of a state."""
    return _encode(state)


def unpack_book(snapshot: bytes) -> BookState:
    """The state that ``pack_book`` was given.

    Raises:
        SnapshotError: it is no snapshot of incidents, is damaged, or is of another version.
    """
    try:
        parts = _decode_parts(snapshot)
        if len(parts) < _FIELDS:
            raise SnapshotError(f"A snapshot of incidents must have {_FIELDS} parts or more. Got {len(parts)} instead.")
        version = _decode_version(parts[0])
        if version != VERSION:
            raise SnapshotError(f"The snapshot of incidents must be of version {VERSION}. Got {version} instead.")
        state = _decode(snapshot)
        check_numbers(state)
        for environment in state.environments.values():
            check_environment(environment, state.incidents)
            check_habits(environment)
        return state
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SnapshotError(f"The stored state is not a snapshot of incidents: {error}") from error


def digest_of(identifier: str) -> bytes:
    """Sixteen bytes that stand for the id of an anomaly."""
    return blake2b(identifier.encode(), digest_size=_DIGEST_BYTES).digest()
