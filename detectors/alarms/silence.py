"""Silence: an application that stops sending is noticed by the clock, against what the hour usually brings."""

from math import log, log10

import numpy as np

from tracehound.detectors.alarms import events
from tracehound.detectors.alarms.anomaly import MODEL_VERSION, confidence
from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.bank import State
from tracehound.detectors.features.batch import Batch
from tracehound.detectors.features.sampling import Sampling
from tracehound.detectors.packed.probability import sigma_of_score
from tracehound.detectors.packed.stored_numbers import LARGEST, checked, moment, numbers, whole
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling import explanation
from tracehound.detectors.telling.alarm import incident_key
from tracehound.detectors.telling.deviation import Deviation
from tracehound.detectors.telling.evidence import normal_again, sure
from tracehound.detectors.telling.feedback import DAY_S
from tracehound.detectors.telling.names import identity
from tracehound.detectors.telling.severity import Evidence, severity_of
from tracehound.detectors.windows.arrivals import Arrivals
from tracehound.detectors.windows.golden_signals import GoldenSignals
from tracehound.schemas.anomaly import Anomaly, AnomalyEvent, AnomalyEvidence, ModelStamp, Window
from tracehound.schemas.execution import rfc3339

SIGNAL, MODEL = "silence_ms", "silence"
SHARE = 0.05
"""The part of the alarm budget that silence has."""
SUDDEN = 2.0
"""For how many times as long as the last minutes say what comes next a silence can be a sudden one; what the hour
usually brings can be missed at any time."""
MISSED = 3.0
"""How many times as many executions as for a sudden silence must be missing then: hours differ more from day to day
than minutes."""
QUIET_S = 57_600.0
"""Where nobody came at the usual hour, that is told once: not again for as long as a day at work and its evening
last."""
LASTING_S = 45.0
"""A silence that was told sooner is told again when it has lasted for so long: by then it is no restart."""
LEAST_SEEN = 60
"""Executions of an application before its silence is judged."""
LEAST_WATCHED_S, OF_BATCHES_S = 480.0, DAY_S
"""For how long an application must have been watched before its silence is judged; of one that runs jobs or commands,
which end, it must be known when they usually run."""
_GAPS_OF_0_1_0 = {"count": whole(0, 500), "ordered": numbers(np.float32, ("count",), 0.0, LARGEST)}
_WATCH_OF_0_1_0 = {"newest_s": moment(missing=True)}


class SilenceWatch:
    """How improbable the time since the newest execution is, of which the hour promised so many.

    What is expected is the smaller of what the last minutes promise (``detectors.windows.arrivals``) and the least
    that the profiles of day and week know of this hour (``detectors.windows.golden_signals``): at night, at the end of
    a job or on a Sunday nothing is missed. Silence has a share of the alarm budget; an application with more gaps a
    day is asked for more certainty. An application that was quiet already, and to which nobody comes at an hour at
    which somebody always does, is told as well: it may be a holiday, so that is minor, and told once however many gaps
    such a day has.

    A sudden one that has lasted for ``LASTING_S`` is told once more: what is redeployed is back by then.

    What has lived for minutes only, as jobs and pods with names of their own, is not missed.

    Assumes that executions arrive roughly in event order; late ones count as a gap of 0. Fails on applications that
    rest: the first nights raise an alarm, until the profiles know them. Where less than some fifteen executions would
    have come, nobody can tell.
    """

    def __init__(self, settings: DetectionSettings, windows: GoldenSignals, sampling: Sampling) -> None:
        self._settings = settings
        self._windows, self._sampling = windows, sampling
        self._arrivals = Arrivals()
        self._least_seen = max(LEAST_SEEN, settings.warm_up_executions)

    def open(self, slot: int, seed: int) -> None:  # noqa: ARG002 (nothing random here)
        """Start afresh for the application in ``slot``."""
        self._arrivals.open(slot)

    def learn(self, batch: Batch) -> None:
        """Learn the arrivals of a batch, in its order."""
        self._arrivals.learn(batch.applications, batch.times, batch.anew)

    def judge(self, application: ApplicationModels, now_s: float) -> AnomalyEvent | None:
        """The event of a silence that has lasted until event time ``now_s``; None if there is none, or it was told."""
        slot = application.slot
        newest_s = self.newest_s(slot)
        silent_s = now_s - newest_s
        again = application.silent_since_s == newest_s
        if not silent_s >= (LASTING_S if again else self._settings.silence_min_s):
            return None
        if again and not application.silence_short:
            return None
        if application.seen < self._least_seen:
            return None
        if self._windows.watched_s(slot) < (OF_BATCHES_S if application.batches > 0.5 else LEAST_WATCHED_S):
            return None
        limit = self._limit(slot)
        sudden = again or silent_s <= SUDDEN * self._arrivals.memory_s(slot)
        of_late = self._arrivals.expected(slot, silent_s)
        expected = score = 0.0
        if sudden:
            expected = min(of_late, self._least_expected(slot, newest_s, now_s, of_late))
            score = self._arrivals.score(slot, silent_s, expected)
            if again and expected >= 1.0:  # it is still missed
                score = max(score, limit)
        if score < limit:
            score, enough = limit, MISSED * limit * log(10.0)
            sudden &= MISSED * of_late > enough  # the last minutes promised them as well
            expected = self._least_expected(slot, newest_s, now_s, 2.0 * enough)
            if not enough < expected < float("inf"):
                return None
            if not sudden and 0.0 <= now_s - application.quiet_told_s < QUIET_S:
                return None
        typical = silent_s * 1000.0 / expected
        low, high = (typical * one for one in self._arrivals.usual_gaps(slot))
        sigma = sigma_of_score(score)
        deviation = Deviation(SIGNAL, "ms", typical, silent_s * 1000.0, (low, high), score, sigma)
        if application.feedback.covers(("traffic", SIGNAL, MODEL, "", ""), deviation.size, now_s):
            return None
        severity = severity_of(Evidence("traffic", silent=sudden, missed=not sudden), self._settings)
        application.silent_since_s, application.silence_short = newest_s, sudden and silent_s < LASTING_S
        if not sudden:
            application.quiet_told_s = now_s
        name, environment = application.key
        data = Anomaly(
            application=name,
            operation="",
            environment=environment,
            version="",
            kind="traffic",
            score=round(score, 3),
            sigma=round(sigma, 3),
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
            evidence=AnomalyEvidence(
                sure=sure(score, application.seen, of_s=self.usual_gap_s(slot)), normal_again=normal_again(deviation)
            ),
        )
        identifier = identity(name, environment, "traffic", SIGNAL, rfc3339(newest_s), *(["lasting"] if again else []))
        return events.anomaly(application.key, identifier, now_s, data)

    def _least_expected(self, slot: int, start_s: float, end_s: float, enough: float) -> float:
        """How many are at least usual at this hour, of those that sampling leaves; windows count all that they stand
        for."""
        each = self._sampling.stands_for(slot)
        return self._windows.least_expected(slot, start_s, end_s, enough * each) / each

    def _limit(self, slot: int) -> float:
        """The score from which a gap is told: with as many gaps a day, its share of the budget is kept to."""
        a_day = self._arrivals.rate(slot) * DAY_S
        return max(self._settings.silence_score, log10(max(a_day, 1.0) / (SHARE * self._settings.alarm_budget)))

    def newest_s(self, slot: int) -> float:
        """The event time of an application's newest execution; NaN before the first."""
        return self._arrivals.newest_s(slot)

    def usual_gap_s(self, slot: int) -> float:
        """The usual time between two executions of an application, in seconds; 0 before the second."""
        rate = self._arrivals.rate(slot)
        return 1.0 / rate if rate > 0.0 else 0.0

    def snapshot(self, slot: int) -> dict[str, State]:
        """What is known of an application's arrivals."""
        return {"arrivals": self._arrivals.snapshot(slot)}

    def restore(self, slot: int, state: dict[str, State]) -> None:
        """Replace an application's state by one that ``snapshot`` returned, also that of 0.1.0, which knew gaps.

        Raises:
            KeyError, ValueError: the state is not one of silence.
        """
        if "arrivals" in state:
            self._arrivals.restore(slot, state["arrivals"])
            return
        gaps_ms = checked("silence", state["gaps"], _GAPS_OF_0_1_0)["ordered"]
        usual_s = float(gaps_ms.mean()) / 1000.0 if len(gaps_ms) else 0.0
        self._arrivals.begin(slot, checked("silence", state["watch"], _WATCH_OF_0_1_0)["newest_s"], usual_s)
