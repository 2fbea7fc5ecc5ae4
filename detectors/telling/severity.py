"""How bad an anomaly is, as one table over how unusual it is, how large its effect is, and what it means for users."""

from dataclasses import dataclass

from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyKind, Severity


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a deviation that is an alarm.

    ``sigma`` is a chart's deviation (0 where a single execution, or no chart, says so); ``effect`` the actual over
    the typical value; ``excess`` the actual less it, in milliseconds for a latency; ``share`` the share of recent
    executions that is affected (failed, for errors); ``clear`` is False where chance does so now and then;
    ``window`` is True for a whole window of an application; ``missed`` where nothing has stopped, and what usually
    comes at this hour has not come: it may be a holiday.
    """

    kind: AnomalyKind
    sigma: float = 0.0
    effect: float = 1.0
    excess: float = 0.0
    share: float = 0.0
    clear: bool = True
    window: bool = False
    silent: bool = False
    missed: bool = False


def effect_of(actual: float, typical: float) -> float:
    """How many times the typical value the actual one is; a unit is added to both, so that tiny values count little.

    >>> effect_of(5.0, 2.0), effect_of(0.2, 0.0)
    (2.0, 1.2)
    """
    return (1.0 + actual) / (1.0 + typical)


def severity_of(evidence: Evidence, settings: DetectionSettings) -> Severity:
    """The severity of an alarm. The first row that fits, from the top:

    | kind | critical | major | minor |
    |---|---|---|---|
    | errors (minor unless clear) | half of the recent ones fail, five times as usual | a tenth, twice as usual | else |
    | traffic | | silence; a window with a tenth or less, or five times and more, of the usual | else, or missed |
    | latency | | major_sigma and 1.5 × typical and minimum_excess_ms | else |
    | saturation | | a window with five times the usual | else |
    | structure | | major_sigma and three times as much or as many | else |
    | outlier | | | always |

    >>> severity_of(Evidence("latency", sigma=8.5, effect=3.0, excess=40.0), DetectionSettings())
    'major'
    >>> severity_of(Evidence("errors", share=0.7, effect=70.0), DetectionSettings())
    'critical'
    """
    major = False
    if evidence.kind == "errors":
        if evidence.clear and evidence.share >= 0.5 and evidence.effect >= 5.0:
            return "critical"
        major = evidence.clear and evidence.share >= 0.1 and evidence.effect >= 2.0
    elif evidence.kind == "traffic":
        major = evidence.silent or (not evidence.missed and (evidence.effect <= 0.1 or evidence.effect >= 5.0))
    elif evidence.kind == "latency":
        slow = evidence.effect >= 1.5 and evidence.excess >= settings.minimum_excess_ms
        major = evidence.sigma >= settings.major_sigma and slow
    elif evidence.kind == "structure":
        major = evidence.sigma >= settings.major_sigma and evidence.effect >= 3.0
    elif evidence.kind == "saturation":
        major = evidence.window and evidence.effect >= 5.0
    return "major" if major else "minor"
