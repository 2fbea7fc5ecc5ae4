"""A scoring core that is quick: it remembers in which order each application's executions came, and nothing else."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from hashlib import blake2b
from typing import Any

import numpy as np

from tests.streams.conftest import SLOW_MS, anomaly_of
from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import ApplicationKey, ExecutionHead, whole
from tracehound.schemas.feedback import Lesson
from tracehound.schemas.model_event import ModelEvent

_REFIT_EVERY = 16
_NOTHING = (0, b"")


class SimulatedCore:
    """The contract of ``Scorer`` with models that are a count and a digest of all that was learned, in its order.

    Any execution that is lost, learned twice or out of order changes the digest for good. Of lessons there is another
    digest: their own order is certain, their place among executions is not. One of ten seconds or more is an anomaly.
    A refit is waited for now and then. One that ``stumbles`` learns half of what it is given, and raises.
    """

    chunk = 12

    def __init__(self, delay_s: Callable[[], float] | None = None) -> None:
        self._models: dict[ApplicationKey, tuple[int, bytes]] = {}
        self._lessons: dict[ApplicationKey, bytes] = {}
        self._delay_s = delay_s
        self.stumbles = False

    def fits_due(self, executions: Sequence[ExecutionHead]) -> list[Future[Any]]:
        """A refit where a count of learned executions has come."""
        due = any(self._models.get(_key(one), _NOTHING)[0] % _REFIT_EVERY == _REFIT_EVERY - 1 for one in executions)
        if not due or self._delay_s is None:
            return []
        fit: Future[Any] = Future()
        asyncio.get_running_loop().call_later(self._delay_s(), fit.set_result, None)
        return [fit]

    def score(self, executions: Sequence[ExecutionHead]) -> ScoredBatch:
        """Learn, in order."""
        for execution in executions[: len(executions) // 2] if self.stumbles else executions:
            count, digest = self._models.get(_key(execution), _NOTHING)
            content = f"{execution.operation} {execution.started_s} {execution.duration_ms} {execution.trace_id}"
            self._models[_key(execution)] = count + 1, blake2b(digest + content.encode(), digest_size=16).digest()
        if self.stumbles:
            self.stumbles = False
            raise MemoryError("no room for a moment")
        found = [(i, anomaly_of(whole(one))) for i, one in enumerate(executions) if one.duration_ms >= SLOW_MS]
        n = len(executions)
        return ScoredBatch(np.zeros(n), [None] * n, np.zeros(n, dtype=np.bool_), found, [])

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        """Nobody misses anything."""
        return []

    def refit(self, application: ApplicationKey, asked_s: float) -> list[ModelEvent]:
        """Nothing is trained on demand."""
        return []

    def now_s(self, application: ApplicationKey) -> float | None:
        """Nobody knows."""
        return None

    def heed(self, key: ApplicationKey, lesson: Lesson) -> list[ModelEvent]:
        """Learn it: count and digest of executions stay."""
        self._models.setdefault(key, _NOTHING)
        before = self._lessons.get(key, b"")
        self._lessons[key] = blake2b(before + lesson.subject_id.encode(), digest_size=16).digest()
        return []

    def snapshot(self, application: ApplicationKey) -> bytes:
        """Count and digests."""
        count, digest = self._models[application]
        lessons = self._lessons.get(application, b"")
        return pack(
            {
                "application": list(application),
                "numbers": {"seen": count},
                "digest": digest.hex(),
                "lessons": lessons.hex(),
            }
        )

    def restore(self, snapshot: bytes, wanted: ApplicationKey | None = None) -> ApplicationKey:
        """Take over count and digests."""
        state = unpack(snapshot)
        key = (state["application"][0], state["application"][1])
        if wanted is not None and key != wanted:
            raise SnapshotError(f"a snapshot of {key}")
        self._models[key] = state["numbers"]["seen"], bytes.fromhex(state["digest"])
        self._lessons[key] = bytes.fromhex(state["lessons"])
        return key

    def forget(self, application: ApplicationKey) -> None:
        """Know nothing of an application."""
        self._models.pop(application, None)
        self._lessons.pop(application, None)

    def statistics(self) -> dict[str, int]:
        """Counts."""
        return {"applications": len(self._models), "operations": 0, "ready_operations": 0, "state_bytes": 0}

    def drift(self) -> dict[ApplicationKey, float]:
        """None."""
        return {}


def _key(execution: ExecutionHead) -> ApplicationKey:
    return execution.application, execution.environment
