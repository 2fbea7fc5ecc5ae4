"""The internal contract of the model state topic: all that scoring knows of one application, at one position."""

from typing import Annotated

import msgspec

from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import ApplicationKey, EpochSeconds
from tracehound.schemas.pieces import Whole, split

PIECE_BYTES = 4_000_000
"""Most states are one record; the topic's message limit is twice this."""


_Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Head(msgspec.Struct, array_like=True):
    """What of a state is needed before the application is used.

    ``position``: everything of the application below this offset of its partition has been learned.
    ``origins``: topic, partition and highest number of records that came with an origin.
    ``newest_event_s`` and ``scored_at_s``: event time of the newest execution, and when it was scored.
    ``topic_id``: of which topic of executions ``position`` is an offset; empty where nobody knew. ``epoch`` grows each
    time that positions of the partition begin again at a lower one, or models are changed by others than executions,
    and with each generation of the consumer group.
    ``first_scored_at_s``: when the first execution was scored; 0 where that was not noted yet, long ago.
    """

    position: _Number
    origins: list[tuple[str, _Number, _Number]] = []
    newest_event_s: EpochSeconds = 0.0
    scored_at_s: EpochSeconds = 0.0
    topic_id: str = ""
    epoch: _Number = 0
    first_scored_at_s: EpochSeconds = 0.0

    @property
    def rank(self) -> tuple[int, int]:
        """Of two states the one with the higher rank is the later one."""
        return self.epoch, self.position


class ModelState(msgspec.Struct, array_like=True):
    """The state of one application: its head, and the models as ``detectors.scoring.scorer.Scorer`` gives them."""

    application: str
    environment: str
    head: Head
    snapshot: bytes

    @property
    def key(self) -> ApplicationKey:
        """Application and environment."""
        return self.application, self.environment


class RecordKey(msgspec.Struct, array_like=True, frozen=True):
    """The key of a record: which piece of which of its writer's last two states of an application it holds.

    ``generation`` is that of the writer's consumer group; ``turn`` alternates between 0 and 1.
    """

    application: str
    environment: str
    generation: int
    turn: int
    index: int

    def encoded(self) -> bytes:
        """The key as bytes: a JSON array.

        >>> RecordKey("shop", "", 7, 0, 0).encoded()
        b'["shop","",7,0,0]'
        """
        return msgspec.json.encode(self)


_decode_key = msgspec.json.Decoder(RecordKey).decode


def read_key(key: bytes | None) -> RecordKey | None:
    """The key of a record of the topic; None if it is none of ours."""
    try:
        return _decode_key(key or b"")
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ModelState).decode


def owner_of(key: ApplicationKey) -> str:
    """How an application is named in the pieces of its state.

    >>> owner_of(("shop", "production"))
    '["shop","production"]'
    """
    return msgspec.json.encode(key).decode()


def pack_state(state: ModelState, piece_bytes: int = PIECE_BYTES) -> list[bytes]:
    """The values of the records that hold a state."""
    return split(owner_of(state.key), state.head.position, _encode(state), piece_bytes)


def unpack_state(whole: Whole) -> ModelState:
    """The state in a content of the topic.

    Raises:
        SnapshotError: it is no state, or that of another application or position than its record says.
    """
    try:
        state = _decode(whole.content)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SnapshotError(f"The state of {whole.owner!r} cannot be read: {error}.") from error
    if owner_of(state.key) != whole.owner or state.head.position != whole.position:
        raise SnapshotError(
            f"A state must be of the application and position that its record names, {whole.owner!r} at "
            f"{whole.position}. Got {owner_of(state.key)!r} at {state.head.position} instead."
        )
    return state
