"""Alarms of an application's windows: traffic, latency, errors and saturation."""

from collections.abc import Iterator, Sequence

import numpy as np

from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.ensemble.ensemble import Ensemble, Judgements
from tracehound.detectors.packed.probability import sigma_of_score
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.alarm import Alarm, Explanation
from tracehound.detectors.telling.deviation import Deviation
from tracehound.detectors.telling.severity import Evidence, severity_of
from tracehound.detectors.windows.findings import SIGNALS, WindowFinding, sentence
from tracehound.schemas.anomaly import AnomalyKind

_CONTRIBUTIONS = {
    "window_latency": "latency of all operations",
    "window_errors": "failed executions",
    "concurrency": "executions in progress",
}

SAME_S, MISSED_S = 1_800.0, 43_200.0
"""An application's windows that deviate again within so much event time are the same deviation; the second where what
usually comes at this hour has not come."""


class WindowRules:
    """Tells which closed windows of a batch are alarms."""

    def __init__(self, settings: DetectionSettings, ensemble: Ensemble) -> None:
        self._settings = settings
        self._channels = {signal.name: ensemble.channel(signal.name) for signal in SIGNALS}

    def alarms(
        self, judged: Judgements, applications: Sequence[ApplicationModels]
    ) -> Iterator[tuple[WindowFinding, Alarm]]:
        """The windows that are told, with the alarm of each, in order of the rows that closed them.

        ``applications`` has the application of each row of the batch.
        """
        if not len(judged.windows.row):
            return
        alarming = judged.calibrated.alarm
        columns = np.array([self._channels[signal.name] for signal in SIGNALS])
        if not alarming[:, columns].any():
            return
        for finding in judged.windows.findings(least_score=0.0):
            channel = self._channels[finding.signal.name]
            if alarming[finding.row, channel]:
                score = float(judged.calibrated.scores[finding.row, channel])
                yield finding, self._alarm(finding, score, applications[finding.row].key[0])

    def _alarm(self, finding: WindowFinding, score: float, application: str) -> Alarm:
        signal = finding.signal
        kind: AnomalyKind = signal.kind
        effect = finding.actual / max(finding.expected, 1e-9)
        missed = kind == "traffic" and finding.share == 0.0
        share = finding.actual if kind == "errors" else finding.share
        evidence = Evidence(kind, effect=effect, share=share, window=True, missed=missed)
        severity = severity_of(evidence, self._settings)

        def explain() -> Explanation:
            return Explanation({_contribution(finding): 1.0}, sentence(application, finding))

        deviation = Deviation(
            signal=signal.name,
            unit=signal.unit,
            typical=finding.expected,
            actual=finding.actual,
            bounds=(finding.low, finding.high),
            score=score,
            sigma=sigma_of_score(finding.score),
        )
        return Alarm(
            kind, severity, "golden-signals", deviation, "", signal.name, explain, same_s=MISSED_S if missed else SAME_S
        )


def _contribution(finding: WindowFinding) -> str:
    if finding.signal.name == "traffic":
        return "additional executions" if finding.actual > finding.expected else "missing executions"
    return _CONTRIBUTIONS[finding.signal.name]
