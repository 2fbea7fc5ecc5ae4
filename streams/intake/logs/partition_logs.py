"""What log events of one partition become: executions, by the templates of each application."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, cast

import msgspec

from tracehound.detectors.logs.stored_templates import StoredTemplates
from tracehound.detectors.logs.templates import TemplateMiner
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.log_levels import Level
from tracehound.schemas.log_rules import decode_log_record
from tracehound.schemas.rejection import Rejection
from tracehound.streams.intake.logs.log_executions import execution_of
from tracehound.streams.intake.logs.records import complete, numbered

REMEMBERED_IDS: Final = 16_384
"""An event whose id was among so many newest ones of its partition came before."""
_ID_BYTES: Final = 8
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class LogRules:
    """How log events are read.

    ``application`` is that of events that say none, ``suffix`` is put behind the names of all where they are scored,
    ``templates`` are kept of each application, and ``memory_bytes`` of all of a partition.
    """

    application: str = "system"
    suffix: str = " logs"
    templates: int = 500
    memory_bytes: int = 5_000_000


@dataclass(slots=True)
class ReadRecord:
    """What a record led to: executions, what was refused, and how many events had come before."""

    executions: list[Execution] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    repeated: int = 0


class _State(msgspec.Struct, array_like=True):
    version: int
    ids: bytes
    applications: list[tuple[str, StoredTemplates]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_State).decode


class PartitionLogs:
    """Reads the records of a partition in their order, of which what it makes is a function.

    Where its templates take more than they may, those of the application that was not seen for longest are forgotten.

    Parameters:
        rules: how events are read.
        limits: what records must keep.
    """

    def __init__(self, rules: LogRules, limits: Limits) -> None:
        self._rules, self._limits = rules, limits
        self._miners: OrderedDict[str, TemplateMiner] = OrderedDict()  # the least recently used first
        self._ids: deque[bytes] = deque()
        self._known: set[bytes] = set()

    def take(self, value: bytes | None, timestamp_s: float, place: str) -> ReadRecord:
        """Read a record.

        Parameters:
            timestamp_s: its Kafka timestamp in epoch seconds.
            place: names the record; the ids of events that have none follow from it.
        """
        decoded = decode_log_record(value, self._limits, timestamp_s)
        complete(decoded.events, self._rules.application, numbered(place))
        read = ReadRecord(rejected=decoded.rejected)
        for event in decoded.events:
            if self._came_before(event.id):
                read.repeated += 1
                continue
            miner = self._miner(event.application)
            mined = miner.learn_one(event.message, cast(Level, event.level))
            read.executions.append(execution_of(event, mined, self._rules.suffix))
        if decoded.events:
            self._forget_unused()
        return read

    def _came_before(self, identifier: str) -> bool:
        key = blake2b(identifier.encode(), digest_size=_ID_BYTES).digest()
        if key in self._known:
            return True
        self._known.add(key)
        self._ids.append(key)
        if len(self._ids) > REMEMBERED_IDS:
            self._known.discard(self._ids.popleft())
        return False

    def _miner(self, application: str) -> TemplateMiner:
        miner = self._miners.get(application)
        if miner is None:
            miner = self._miners[application] = TemplateMiner(self._rules.templates)
        self._miners.move_to_end(application)
        return miner

    def _forget_unused(self) -> None:
        while len(self._miners) > 1 and self.nbytes > self._rules.memory_bytes:
            self._miners.popitem(last=False)

    @property
    def nbytes(self) -> int:
        """About how many bytes the templates take."""
        return sum(miner.nbytes for miner in self._miners.values())

    @property
    def templates(self) -> int:
        """How many templates are kept."""
        return sum(map(len, self._miners.values()))

    def snapshot(self) -> bytes:
        """All that is needed to go on exactly as if nothing had happened."""
        applications = [(name, miner.snapshot()) for name, miner in self._miners.items()]
        return _encode(_State(_VERSION, b"".join(self._ids), applications))

    @classmethod
    def restore(cls, snapshot: bytes, rules: LogRules, limits: Limits) -> "PartitionLogs":
        """What ``snapshot`` was taken of.

        Raises:
            SnapshotError: it is damaged, or another version wrote it.
        """
        try:
            state = _decode(snapshot)
            if state.version != _VERSION or len(state.ids) % _ID_BYTES:
                raise ValueError(f"it is of version {state.version}, or its ids are cut")
            logs = cls(rules, limits)
            for name, stored in state.applications:
                logs._miners[name] = TemplateMiner.restore(stored, rules.templates)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise SnapshotError(f"What was saved of templates cannot be used: {error}.") from error
        ids = [state.ids[at : at + _ID_BYTES] for at in range(0, len(state.ids), _ID_BYTES)][-REMEMBERED_IDS:]
        logs._ids.extend(ids)
        logs._known.update(ids)
        return logs
