"""Alarms of log events: a template that comes in a burst."""

from tracehound.detectors.application.subject import Subject
from tracehound.detectors.ensemble.ensemble import Judgements
from tracehound.detectors.packed.probability import sigma_of_score
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.alarm import Alarm, Explanation
from tracehound.detectors.telling.deviation import TEMPLATE_RATE, Deviation
from tracehound.detectors.telling.explanation import burst_sentence
from tracehound.detectors.telling.severity import Evidence, severity_of

SAME_S = 1_800.0
"""A template that bursts again within so much event time does what it did."""


def template_burst(settings: DetectionSettings, subject: Subject, judged: Judgements, score: float) -> Alarm | None:
    """The alarm of a log event by which its template has come far more often than ever; None where it is another's.

    What is logged as an error is as grave as so much more traffic; all else is worth a look, and no more.
    """
    place = None if judged.bursts is None else judged.bursts.place_of(subject.row)
    if judged.bursts is None or place is None:
        return None
    found = judged.bursts
    count, usual, largest = (float(values[place]) for values in (found.counts, found.usual, found.largest))
    effect = count / max(largest, 1.0) if judged.columns["error"][subject.row] else 1.0
    template = subject.operation.name

    def explain() -> Explanation:
        return Explanation({template: 1.0}, burst_sentence(template, count, settings.window_s, usual, largest))

    deviation = Deviation(
        signal=TEMPLATE_RATE,
        unit="events",
        typical=usual,
        actual=count,
        bounds=(0.0, largest),
        score=score,
        sigma=sigma_of_score(float(found.score[place])),
    )
    severity = severity_of(Evidence("traffic", effect=effect, window=True), settings)
    return Alarm("traffic", severity, "bursts", deviation, template, template, explain, same_s=SAME_S)
