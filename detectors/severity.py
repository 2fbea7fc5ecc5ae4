"""How bad an anomaly is, as one table over how unusual it is, how large its effect is, and what it means for users."""

from dataclasses import dataclass

from detectors.settings import DetectionSettings
from schemas.anomaly import AnomalyKind, Severity


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a deviation.

    ``sigma`` is a chart's deviation; ``score`` −log10 of a false-alarm probability where there is no chart;
    ``effect`` the actual over the typical value, ``excess`` the actual less it, in the signal's unit;
    ``whole`` is True for the duration, which contains what other operations did and so asks for more;
    ``failing`` is the share of recent executions that failed.
    """

    kind: AnomalyKind
    sigma: float = 0.0
    score: float = 0.0
    effect: float = 1.0
    excess: float = 0.0
    whole: bool = False
    failing: float = 0.0


def severity_of(evidence: Evidence, settings: DetectionSettings) -> Severity | None:
    """The severity, or None where nothing is worth telling.

    | kind | minor | major | critical |
    |---|---|---|---|
    | errors | score ≥ tail_score and effect ≥ 2 | and 20 % of executions fail | and 50 % fail |
    | traffic | | score ≥ silence_score | |
    | outlier | sigma ≥ outlier_sigma, or score ≥ tail_score of a calibrated detector | | |
    | latency, structure: chart | sigma ≥ minor_sigma, effect ≥ minimum_effect | sigma ≥ major_sigma, effect ≥ 1.5 | |
    | latency, structure: one execution | score ≥ tail_score and effect ≥ 2 | | |

    A latency must also lie minimum_excess_ms above typical, and a whole duration asks for major_sigma to be minor.

    >>> severity_of(Evidence("latency", sigma=8.5, effect=3.0, excess=40.0), DetectionSettings())
    'major'
    >>> severity_of(Evidence("errors", score=12.0, failing=0.7, effect=70.0), DetectionSettings())
    'critical'
    """
    if evidence.kind == "errors":
        return _severity_of_errors(evidence, settings)
    if evidence.kind == "traffic":
        return "major" if evidence.score >= settings.silence_score else None
    if evidence.kind == "outlier":
        unusual = evidence.sigma >= settings.outlier_sigma or evidence.score >= settings.tail_score
        return "minor" if unusual else None
    if evidence.kind == "latency" and evidence.excess < settings.minimum_excess_ms:
        return None
    minor_sigma = settings.major_sigma if evidence.whole else settings.minor_sigma
    if evidence.sigma >= settings.major_sigma and evidence.effect >= 1.5:
        return "major"
    if evidence.sigma >= minor_sigma and evidence.effect >= settings.minimum_effect:
        return "minor"
    if evidence.score >= settings.tail_score and evidence.effect >= 2.0:
        return "minor"
    return None


def _severity_of_errors(evidence: Evidence, settings: DetectionSettings) -> Severity | None:
    if evidence.score < settings.tail_score or evidence.effect < 2.0:
        return None
    if evidence.failing >= 0.5:
        return "critical"
    return "major" if evidence.failing >= 0.2 else "minor"
