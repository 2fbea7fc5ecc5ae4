"""What is stored and restored: whoever may write it could forge its digest, so that the content is what is fuzzed."""

import contextlib
from hashlib import blake2b

import cramjam
import msgspec

from tests.detectors.incidents.records import anomaly, progress, wrapped
from tests.detectors.scoring.test_stored_states import stored_state
from tests.detectors.test_determinism import SETTINGS, SHOP, executions
from tests.fuzzing.internal import span_batches
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.join_checkpoint import JoinCheckpoint, pack_checkpoint, unpack_checkpoint
from tracehound.schemas.model_state import unpack_state
from tracehound.schemas.pieces import latest, split
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.partition_join import PartitionJoin

_HEADER, _DIGEST, _LENGTH = 4, 16, 4
_BEGUN_S = 1_790_000_000.0
_encode = msgspec.msgpack.Encoder().encode
_LATER = executions("shop", 40, _BEGUN_S + 200.0, seed=2)


def models() -> list[bytes]:
    """States of an application, without what is around them."""
    young = Scorer(SETTINGS, InlineFitter())
    young.score(executions("shop", 30, _BEGUN_S, seed=1))
    return [_body_of(snapshot) for snapshot in (young.snapshot(SHOP), stored_state().snapshot)]


def _body_of(snapshot: bytes) -> bytes:
    plain = pack(unpack(snapshot))
    body = plain[_HEADER + _DIGEST :]
    return bytes(cramjam.zstd.decompress(body[_LENGTH:]))


def snapshot_of(plain: bytes) -> bytes:
    """A snapshot with so much in it and a right digest."""
    body = len(plain).to_bytes(_LENGTH, "little") + bytes(cramjam.zstd.compress(plain, level=1))
    return pack({})[:_HEADER] + blake2b(body, digest_size=_DIGEST).digest() + body


def read_model(value: bytes) -> None:
    """A state is refused, or restored and then goes on: it scores, judges silence, learns and is stored."""
    scorer = Scorer(SETTINGS, InlineFitter())
    try:
        key = scorer.restore(snapshot_of(value))
    except SnapshotError:
        pass
        assert not scorer.applications()
        return
    scorer.score(_LATER)
    scorer.judge_silence(_BEGUN_S + 4_000.0, [key])
    Scorer(SETTINGS, InlineFitter()).restore(scorer.snapshot(key), key)


_INPUTS = [
    wrapped(anomaly("shop", 0.0)),
    wrapped(anomaly("stock", 3.0, severity="critical")),
    wrapped(progress("shop", 20.0, calls=["stock"], ongoing={"shop//latency": 5.0})),
    wrapped(progress("stock", 30.0)),
]


def books() -> list[bytes]:
    """States of incidents."""
    book = IncidentBook(IncidentSettings())
    found = [book.snapshot()]
    for one in _INPUTS:
        book.take(one)
        found.append(book.snapshot())
    return found


def read_book(value: bytes) -> None:
    """Incidents are refused, or restored and go on."""
    try:
        book = IncidentBook.restore(value, IncidentSettings())
    except SnapshotError:
        return
    for one in _INPUTS:
        book.take(one)
    IncidentBook.restore(book.snapshot(), IncidentSettings())


def checkpoints() -> list[bytes]:
    """What intake stores of one partition, without what is around it."""
    join = PartitionJoin(0, JoinRules(), 1_000, limits=Limits())
    found = [_checkpoint_of(join)]
    for offset, value in enumerate(span_batches()[:3]):
        join.take(offset, value)
    return [*found, _checkpoint_of(join)]


def _checkpoint_of(join: PartitionJoin) -> bytes:
    checkpoint = join.checkpoint()
    assert checkpoint is not None
    return _encode(checkpoint)


def read_checkpoint(value: bytes) -> None:
    """A checkpoint is refused, or what is joined goes on from it."""
    try:
        checkpoint = msgspec.msgpack.decode(value, type=JoinCheckpoint)
        stored = pack_checkpoint(0, checkpoint)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return
    found, problems = unpack_checkpoint(0, stored)
    assert all(problems)
    if found is None:
        return
    try:
        join = PartitionJoin(0, JoinRules(), 1_000, found, limits=Limits())
    except ValueError:
        return
    for offset, record in enumerate(span_batches(), join.next):
        join.take(offset, record)
    join.checkpoint()


def pieces() -> list[bytes]:
    """Records that hold parts of a state."""
    state = stored_state()
    content = state.snapshot[:2_000]
    return [*split("shop", 7, content, 500), *split("shop", 9, b"")]


def read_pieces(value: bytes) -> None:
    """A record of states is taken or told; what it completes is read or refused."""
    wholes, problems = latest([*pieces()[:3], value, *pieces()[3:]])
    assert all(problems)
    for whole in wholes:
        with contextlib.suppress(SnapshotError):
            unpack_state(whole)
