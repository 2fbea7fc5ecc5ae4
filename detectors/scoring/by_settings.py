"""The scoring core where applications have settings of their own: one scorer for all that have the same."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from tracehound.detectors.candidates import with_candidate
from tracehound.detectors.forests.fitting import Fitter
from tracehound.detectors.scoring import snapshot as application_snapshot
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey, ExecutionHead
from tracehound.schemas.feedback import Lesson
from tracehound.schemas.model_event import ModelEvent

SCORER_BYTES = 1_250_000
"""What a scorer takes before it has learned anything (measured)."""
_KEY_BYTES = 400
_SINCE_THE_START = ("early", "late", "left_out")


class ScorerBySettings:
    """Scores every application by its own settings, each as ``Scorer`` does; models move when settings change.

    A scorer without applications is dropped. A batch is scored in as many calls as it has different settings, each
    of which costs about 0.4 ms.

    >>> from tracehound.detectors.forests.fitting import InlineFitter
    >>> from tracehound.schemas.execution import Execution
    >>> scorer = ScorerBySettings(DetectionSettings(), InlineFitter())
    >>> scorer.settle(("shop", ""), {"minimum_excess_ms": 60_000})
    >>> normal = [Execution("shop", "GET /", float(i), 100.0 + i % 7) for i in range(200)]
    >>> len(scorer.score([*normal, Execution("shop", "GET /", 200.0, 5_000.0)]).anomalies)
    0
    """

    def __init__(
        self,
        settings: DetectionSettings,
        fitter: Fitter,
        scorer: Callable[[DetectionSettings, Fitter], Scorer] = Scorer,
    ) -> None:
        self._settings, self._fitter, self._scorer = settings, fitter, scorer
        self._usual = scorer(settings, fitter)
        self._others: dict[DetectionSettings, Scorer] = {}
        self._own: dict[ApplicationKey, DetectionSettings] = {}
        self._counted = dict.fromkeys(_SINCE_THE_START, 0)

    def settle(self, key: ApplicationKey, own: Mapping[str, float]) -> None:
        """An application has these settings of its own from its next execution on, and keeps what it has learned.

        Raises:
            ConfigurationError: one of them is none that an application can have; it has what it had before.
        """
        settings = with_candidate(self._settings, own)
        before = self._of(key)
        try:
            models = before.snapshot(key)
        except KeyError:
            models = None
        if models is not None and settings != self._own.get(key, self._settings):
            before.forget(key)
            self._note(key, settings)
            self._of(key).restore(models, key)
            self._drop(before)
        else:
            self._note(key, settings)

    def settings_of(self, key: ApplicationKey) -> DetectionSettings:
        """Those by which an application is scored."""
        return self._own.get(key, self._settings)

    def _note(self, key: ApplicationKey, settings: DetectionSettings) -> None:
        if settings == self._settings:
            self._own.pop(key, None)
        else:
            self._own[key] = next((one for one in self._others if one == settings), settings)

    def _of(self, key: ApplicationKey) -> Scorer:
        settings = self._own.get(key)
        if settings is None:
            return self._usual
        scorer = self._others.get(settings)
        if scorer is None:
            scorer = self._others[settings] = self._scorer(settings, self._fitter)
        return scorer

    def _drop(self, scorer: Scorer) -> None:
        if scorer is self._usual or scorer.applications():
            return
        for settings in [one for one, known in self._others.items() if known is scorer]:
            del self._others[settings]
        found = scorer.statistics()
        for name in _SINCE_THE_START:
            self._counted[name] += found[name]

    def _parts(self, executions: Sequence[ExecutionHead]) -> list[tuple[Scorer, list[int]]]:
        """Which scorer scores which of the executions; empty where the usual one scores all."""
        if not self._own:
            return []
        keys = [(execution.application, execution.environment) for execution in executions]
        parts: dict[DetectionSettings | None, list[int]] = {}
        of_key = {key: parts.setdefault(self._own.get(key), []) for key in dict.fromkeys(keys)}
        if parts.keys() == {None}:
            return []
        for index, key in enumerate(keys):
            of_key[key].append(index)
        return [(self._of(keys[indexes[0]]), indexes) for indexes in parts.values()]

    @property
    def chunk(self) -> int:
        """See ``Scorer``."""
        return self._usual.chunk

    def fits_due(self, executions: Sequence[ExecutionHead]) -> list[Future[Any]]:
        """See ``Scorer``."""
        parts = self._parts(executions)
        if not parts:
            return self._usual.fits_due(executions)
        return [due for scorer, indexes in parts for due in scorer.fits_due([executions[index] for index in indexes])]

    def score(self, executions: Sequence[ExecutionHead]) -> ScoredBatch:
        """See ``Scorer``."""
        parts = self._parts(executions)
        if len(parts) < 2:
            return (parts[0][0] if parts else self._usual).score(executions)
        n = len(executions)
        whole = ScoredBatch(np.zeros(n), [None] * n, np.ones(n, np.bool_), [], [])
        for scorer, indexes in parts:
            found = scorer.score([executions[index] for index in indexes])
            whole.score[indexes], whole.warming[indexes] = found.score, found.warming
            for index, severity in zip(indexes, found.severity, strict=True):
                whole.severity[index] = severity
            whole.anomalies.extend((indexes[index], event) for index, event in found.anomalies)
            whole.model_events.extend(found.model_events)
            whole.deviating.update(found.deviating)
            whole.calls.update(found.calls)
            for kind, count in found.suppressed.items():
                whole.suppressed[kind] = whole.suppressed.get(kind, 0) + count
        whole.anomalies.sort(key=lambda one: one[0])
        return whole

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        """See ``Scorer``."""
        asked: dict[DetectionSettings | None, list[ApplicationKey]] = {}
        for key in applications:
            asked.setdefault(self._own.get(key), []).append(key)
        return [event for keys in asked.values() for event in self._of(keys[0]).judge_silence(now_s, keys)]

    def refit(self, application: ApplicationKey, asked_s: float = 0.0) -> list[ModelEvent]:
        """See ``Scorer``."""
        return self._of(application).refit(application, asked_s)

    def heed(self, key: ApplicationKey, lesson: Lesson) -> list[ModelEvent]:
        """See ``Scorer``."""
        return self._of(key).heed(key, lesson)

    def now_s(self, application: ApplicationKey) -> float | None:
        """See ``Scorer``."""
        return self._of(application).now_s(application)

    def drift(self) -> dict[ApplicationKey, float]:
        """See ``Scorer``."""
        return {key: index for scorer in self._scorers() for key, index in scorer.drift().items()}

    def forget(self, application: ApplicationKey) -> None:
        """See ``Scorer``; its settings stay."""
        scorer = self._of(application)
        scorer.forget(application)
        self._drop(scorer)

    def snapshot(self, application: ApplicationKey) -> bytes:
        """See ``Scorer``."""
        return self._of(application).snapshot(application)

    def restore(self, snapshot: bytes, wanted: ApplicationKey | None = None) -> ApplicationKey:
        """See ``Scorer``."""
        key = application_snapshot.read(snapshot).key if wanted is None else wanted
        return self._of(key).restore(snapshot, wanted)

    def statistics(self) -> dict[str, int]:
        """See ``Scorer``; bytes are with those of scorers beside the usual one, and of settings."""
        found = [scorer.statistics() for scorer in self._scorers()]
        whole = {name: sum(one[name] for one in found) for name in found[0]}
        for name in _SINCE_THE_START:
            whole[name] += self._counted[name]
        whole["state_bytes"] += SCORER_BYTES * len(self._others) + _KEY_BYTES * len(self._own)
        return whole

    def _scorers(self) -> list[Scorer]:
        return [self._usual, *self._others.values()]
