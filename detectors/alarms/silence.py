"""Silence: an application that stops sending is noticed by the clock, against the gaps between its own executions."""

from typing import Any

import numpy as np

from tracehound.detectors.alarms import events
from tracehound.detectors.alarms.anomaly import MODEL_VERSION, confidence
from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.bank import State
from tracehound.detectors.charts.chart import Chart, ChartRules
from tracehound.detectors.features.batch import Batch
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.probability import sigma_of_score
from tracehound.detectors.packed.stored_numbers import checked, moment
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling import explanation
from tracehound.detectors.telling.alarm import incident_key
from tracehound.detectors.telling.deviation import size_of
from tracehound.detectors.telling.names import identity
from tracehound.detectors.telling.severity import Evidence, severity_of
from tracehound.schemas.anomaly import Anomaly, AnomalyEvent, ModelStamp, Window
from tracehound.schemas.execution import rfc3339

MODEL, SIGNAL = "silence", "silence_ms"
_STORED = {"newest_s": moment(missing=True)}


class SilenceWatch:
    """Extreme-value tail on the gaps, in ms of event time, between one application's successive executions.

    Assumes that executions arrive roughly in event order; late ones count as a gap of 0. Fails on applications
    that rest at night: the first nights raise an alarm, until such gaps are in the reference.
    """

    def __init__(self, settings: DetectionSettings) -> None:
        self._settings = settings
        self._gaps = Chart(ChartRules(max(60, settings.warm_up_executions), settings.gate_sigma, settings.patience_s))
        self._newest = np.full(16, np.nan)

    def open(self, slot: int, seed: int) -> None:
        """Start afresh for the application in ``slot``."""
        self._gaps.open(slot, seed)
        self._gaps.open_pool(slot, seed)
        while slot >= len(self._newest):
            self._newest = np.concatenate([self._newest, np.full(len(self._newest), np.nan)])
        self._newest[slot] = np.nan

    def learn(self, batch: Batch) -> None:
        """Learn the gaps of a batch, in its order."""
        gaps = np.zeros(len(batch.times))
        _measure_gaps(batch.applications, batch.times, self._newest, gaps)
        self._gaps.judge_then_learn(batch.applications, batch.applications, gaps, batch.times)

    def judge(self, application: ApplicationModels, now_s: float) -> AnomalyEvent | None:
        """The event of a silence that has lasted until event time ``now_s``; None if there is none or it was told."""
        newest_s = float(self._newest[application.slot])
        silent_s = now_s - newest_s
        if not silent_s >= self._settings.silence_min_s or application.silent_since_s == newest_s:
            return None
        score = self._gaps.tail_of(application.slot, silent_s * 1000.0)
        if score < self._settings.silence_score:
            return None
        low, typical, high = self._gaps.typical(application.slot)
        size = size_of(SIGNAL, "ms", typical, silent_s * 1000.0)
        if application.feedback.covers(("traffic", SIGNAL, MODEL, "", ""), size, now_s):
            return None
        severity = severity_of(Evidence("traffic", silent=True), self._settings)
        application.silent_since_s = newest_s
        name, environment = application.key
        data = Anomaly(
            application=name,
            operation="",
            environment=environment,
            version="",
            kind="traffic",
            score=round(score, 3),
            sigma=round(sigma_of_score(score), 3),
            severity=severity,
            confidence=round(confidence(application.seen), 3),
            signal=SIGNAL,
            typical=round(typical, 4),
            actual=round(silent_s * 1000.0, 4),
            bounds=(round(low, 4), round(high, 4)),
            unit="ms",
            contributions={"missing executions": 1.0},
            reason=explanation.silence_sentence(name, silent_s, typical, high),
            exemplar_trace_ids=[],
            window=Window(rfc3339(newest_s), rfc3339(now_s), 0),
            model=ModelStamp(MODEL, MODEL_VERSION, application.seen, None, warming=False),
            incident_key=incident_key(application.key, "traffic", ""),
        )
        identifier = identity(name, environment, "traffic", SIGNAL, rfc3339(newest_s))
        return events.anomaly(application.key, identifier, now_s, data)

    def newest_s(self, slot: int) -> float:
        """The event time of an application's newest execution; NaN before the first."""
        return float(self._newest[slot])

    def snapshot(self, slot: int) -> dict[str, State]:
        """The references of gaps and the newest event time of an application."""
        newest: State = {"newest_s": float(self._newest[slot])}
        return {"gaps": self._gaps.snapshot(slot), "pool": self._gaps.snapshot_pool(slot), "watch": newest}

    def restore(self, slot: int, state: dict[str, State]) -> None:
        """Replace an application's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of silence.
        """
        self._gaps.restore(slot, state["gaps"])
        self._gaps.restore_pool(slot, state["pool"])
        self._newest[slot] = checked("silence", state["watch"], _STORED)["newest_s"]


@njit(cache=True)
def _measure_gaps(slots: Any, times: Any, newest: Any, gaps: Any) -> None:
    """Milliseconds since the newest time of each slot, which moves on; late rows and the first of a slot stay 0."""
    for i in range(slots.size):
        since_s = times[i] - newest[slots[i]]
        if since_s > 0.0:
            gaps[i] = since_s * 1000.0
        if not since_s <= 0.0:
            newest[slots[i]] = times[i]
