"""Compares what workers left behind with one uninterrupted run of the scoring core over the same executions."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.codec import encode
from tracehound.schemas.control import CONTROL_HEADER
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.model_state import ModelState
from tracehound.schemas.operations import normalize_operation
from tracehound.streams.delivery.foreign_records import COUNTED_ONLY
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.kafka.forwarding import Headers, Origin, Partitioner, read_origin
from tracehound.streams.kafka.odd_records import UNREAD_HEADER
from tracehound.streams.states.scoring_core import ScoringCore

_NO_BOUND = 10_000_000
_AT_ONCE = 1_000
_MOST_EXAMPLES = 20
_MISPLACED = frozenset((CONTROL_HEADER, UNREAD_HEADER))


@dataclass(frozen=True, slots=True)
class Logged:
    """A record of the executions topic, as it lies there."""

    partition: int
    offset: int
    timestamp_ms: int
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the executions.

    ``lost`` were never learned, ``learned_twice`` more often than once. ``states_differing`` are applications with
    the right count whose models are not those of the uninterrupted run, or whose state names a wrong position.
    ``anomalies_missing`` are anomalies of the uninterrupted run that were never published, ``ids_differing`` those
    published under an id that it does not know, or under one of its ids with another content.
    ``anomalies_repeated`` were published again, which is allowed. ``refused`` are records of which at least a part is
    no execution; ``not_buried`` of them became no dead letter. ``examples`` are sentences about the first faults.
    """

    executions: int = 0
    applications: int = 0
    anomalies: int = 0
    lost: int = 0
    learned_twice: int = 0
    states_differing: int = 0
    anomalies_missing: int = 0
    ids_differing: int = 0
    anomalies_repeated: int = 0
    refused: int = 0
    not_buried: int = 0
    examples: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, learned twice, missing or different."""
        return not (
            self.lost
            or self.learned_twice
            or self.states_differing
            or self.anomalies_missing
            or self.ids_differing
            or self.not_buried
        )


class Replay:
    """The uninterrupted run: takes every record, each partition's in order, and learns as a single worker would.

    Records of an application on another partition than its own are passed over, since workers forward them; those
    with an origin count once for each application.

    Parameters:
        topic: the executions topic.
        partitions: how many it has.
        origins: topics that origins may name, beside ``topic``.
        settings: of detection, as the workers had them.
        normalize: of operation names, as the workers did.
        scorer: learns; without it the real core, which ``settings`` are of.
        judged: the only applications that are looked at; None for all.
        believes: which origins workers believed.
    """

    def __init__(
        self,
        topic: str,
        partitions: int,
        origins: Iterable[str] = (),
        settings: DetectionSettings | None = None,
        limits: Limits | None = None,
        normalize: Callable[[str], str] | None = normalize_operation,
        scorer: ScoringCore | None = None,
        judged: Collection[ApplicationKey] | None = None,
        believes: Callable[[Origin], bool] = lambda _: True,
    ) -> None:
        settings = replace(settings or DetectionSettings(), applications_per_worker=_NO_BOUND)
        self._scorer = scorer or Scorer(settings, InlineFitter())
        self._origins = frozenset((topic, *origins))
        self._partitions = partitions
        self._partitioner = Partitioner(partitions)
        self._reader = ExecutionReader(limits or Limits())
        self._judged = judged
        self._believes = believes
        self._refused: set[tuple[int, int]] = set()
        self._normalize = normalize
        self._highest: dict[tuple[ApplicationKey, str, int], int] = {}
        self._waiting: list[Execution] = []
        self._ends: dict[int, int] = {}
        self._learned: Counter[ApplicationKey] = Counter()
        self._newest: dict[ApplicationKey, tuple[int, int]] = {}
        self._anomalies: dict[str, bytes] = {}

    def take(self, record: Logged) -> None:
        """Learn a record."""
        self._ends[record.partition] = record.offset + 1
        if any(name in _MISPLACED for name, _ in record.headers):
            self._refused.add((record.partition, record.offset))
            return
        decoded = self._reader.decode(record.value, record.headers, record.timestamp_ms / 1000.0)
        executions = decoded.executions
        if executions and self._partitioner.partition_of(executions[0].application) != record.partition:
            return
        if any(refused.error not in COUNTED_ONLY for refused in decoded.rejected):
            self._refused.add((record.partition, record.offset))
        executions = [one for one in executions if self._judged is None or _key_of(one) in self._judged]
        origin = read_origin(record.headers, self._origins, self._partitions)
        if origin is not None and not self._believes(origin):
            origin = None
        if origin is not None:
            sources = {key: (key, *origin.source) for key in map(_key_of, executions)}
            news = {key for key, source in sources.items() if origin.offset > self._highest.get(source, -1)}
            self._highest.update((sources[key], origin.offset) for key in news)
            executions = [execution for execution in executions if _key_of(execution) in news]
        for execution in executions:
            if self._normalize is not None:
                execution.operation = self._normalize(execution.operation)
            self._learned[_key_of(execution)] += 1
            self._newest[_key_of(execution)] = (record.partition, record.offset)
        self._waiting += executions
        if len(self._waiting) >= _AT_ONCE:
            self._score()

    def _score(self) -> None:
        scored = self._scorer.score(self._waiting)
        self._waiting = []
        self._anomalies.update((event.id, encode(event)) for _, event in scored.anomalies)

    @property
    def executions(self) -> int:
        """How many executions have been learned."""
        return self._learned.total()

    def compare(
        self,
        states: Mapping[ApplicationKey, ModelState],
        anomalies: Iterable[bytes],
        buried: Collection[tuple[int, int]] | None = None,
    ) -> Verdict:
        """Judge the states that workers left when they were stopped, the values of the anomalies topic, and of which
        records, by partition and offset, there are dead letters (None: nobody looked).
        """
        self._score()
        found = _Findings()
        missing = [] if buried is None else sorted(self._refused.difference(buried))
        found.count("not_buried", len(missing), f"There is no dead letter of (partition, offset) {missing[:5]}.")
        for key, expected in self._learned.items():
            self._compare_state(key, expected, states.get(key), found)
        known = self._learned.keys() if self._judged is None else states.keys()
        for key in states.keys() - known:
            found.differs(f"There is a state of {key}, which sent nothing.")
        self._compare_anomalies(anomalies, found)
        return Verdict(
            executions=self.executions,
            applications=len(self._learned),
            anomalies=len(self._anomalies),
            refused=len(self._refused),
            examples=tuple(found.examples),
            **found.counts,
        )

    def _compare_state(self, key: ApplicationKey, expected: int, state: ModelState | None, found: "_Findings") -> None:
        if state is None:
            found.count("lost", expected, f"There is no state of {key}, which sent {expected} executions.")
            return
        try:
            models = unpack(state.snapshot)
            learned = int(models["numbers"]["seen"])
        except (SnapshotError, KeyError, TypeError, ValueError) as error:
            found.count("lost", expected, f"The state of {key} cannot be read: {error!r}.")
            return
        sentence = f"{key} has learned {learned} executions of {expected}."
        found.count("lost", max(0, expected - learned), sentence)
        found.count("learned_twice", max(0, learned - expected), sentence)
        if learned == expected:
            self._compare_content(key, state, models, found)

    def _compare_content(
        self, key: ApplicationKey, state: ModelState, models: dict[str, Any], found: "_Findings"
    ) -> None:
        partition, offset = self._newest[key]
        position, end = state.head.position, self._ends[partition]
        if not offset < position <= end:
            found.differs(f"The state of {key} must be at {offset + 1} to {end}. Got {position} instead.")
        right = unpack(self._scorer.snapshot(key))
        for one in (models, right):  # when silence was told is about wall time, and judges nothing else
            one["numbers"].pop("silent_since_s", None)
        if pack(models) != pack(right):
            found.differs(f"The models of {key} differ in {first_difference(models, right)}.")

    def _compare_anomalies(self, anomalies: Iterable[bytes], found: "_Findings") -> None:
        seen: Counter[str] = Counter()
        for value in anomalies:
            event = _decode_anomaly(value)
            if self._judged is not None and (event.data.application, event.data.environment) not in self._judged:
                continue
            right = self._anomalies.get(event.id)
            if right == value:
                seen[event.id] += 1
            elif right is not None:
                found.count("ids_differing", 1, f"The anomaly {event.id} was published with another content.")
            elif not _is_silence(event):
                found.count("ids_differing", 1, f"The anomaly {event.id} of {event.subject} is unknown.")
        for identifier in self._anomalies.keys() - seen.keys():
            found.count("anomalies_missing", 1, f"The anomaly {identifier} was not published.")
        found.counts["anomalies_repeated"] = seen.total() - len(seen)


@dataclass(slots=True)
class _Findings:
    counts: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)

    def count(self, what: str, number: int, sentence: str) -> None:
        if number:
            self.counts[what] = self.counts.get(what, 0) + number
            if len(self.examples) < _MOST_EXAMPLES:
                self.examples.append(sentence)

    def differs(self, sentence: str) -> None:
        self.count("states_differing", 1, sentence)


_decode_anomaly = msgspec.json.Decoder(AnomalyEvent).decode


def _key_of(execution: Execution) -> ApplicationKey:
    return execution.application, execution.environment


def _is_silence(event: AnomalyEvent) -> bool:
    return event.data.kind == "traffic" and event.data.signal == "silence_ms"


def first_difference(one: object, other: object, path: str = "") -> str:
    """Where two states first differ, as a path; empty if they are the same bit for bit.

    >>> first_difference({"a": [1, 2]}, {"a": [1, 3]})
    '/a/1: 2 and 3'
    """
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            return f"{path}: keys or their order"
        return next(filter(None, (first_difference(one[key], other[key], f"{path}/{key}") for key in one)), "")
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if (one.dtype, one.shape) != (other.dtype, other.shape):
            return f"{path}: {one.dtype} {one.shape} and {other.dtype} {other.shape}"
        return "" if one.tobytes() == other.tobytes() else f"{path}: numbers of an array"
    if isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, (str, bytes)):
        if len(one) != len(other):
            return f"{path}: lengths {len(one)} and {len(other)}"
        pairs = enumerate(zip(one, other, strict=True))
        return next(filter(None, (first_difference(a, b, f"{path}/{n}") for n, (a, b) in pairs)), "")
    return "" if msgspec.msgpack.encode(one) == msgspec.msgpack.encode(other) else f"{path}: {one!r} and {other!r}"
