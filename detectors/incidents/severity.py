"""How bad an incident is, as one table over how broad it is, how bad its anomalies are, and how long it lasts."""

from dataclasses import dataclass

from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.anomaly import Severity


@dataclass(frozen=True, slots=True)
class Breadth:
    """What is known of an incident since it was opened.

    ``worst`` is the gravest anomaly. ``failing``: an anomaly of errors is critical; ``erring``: one is major or
    critical. ``missed``: an application is silent, for long, that others call or that had traffic. ``broken`` counts
    applications with a major or critical anomaly of something else than traffic, of the ``applications`` that
    deviate at all; ``operations`` counts what deviates in them, and ``share`` is the share (0 to 1) of their
    executions in those operations. ``lasted_s`` is event time.
    """

    worst: Severity
    failing: bool = False
    erring: bool = False
    missed: bool = False
    broken: int = 0
    applications: int = 1
    operations: int = 1
    share: float = 0.0
    lasted_s: float = 0.0


def incident_severity(breadth: Breadth, settings: IncidentSettings) -> Severity:
    """The severity of an incident. The first that fits, from the left; names in the table are settings.

    | what | critical | major | minor |
    |---|---|---|---|
    | errors | a critical anomaly of errors (half of the executions fail) | a major one | else |
    | errors that last | major for critical_after_s, critical_share | | |
    | silence | for critical_silence_s, of an application that others call, or with critical_silence_rate | else | |
    | breadth | critical_applications with major anomalies other than of traffic, critical_share
      | major_applications or major_operations deviate | else |
    | anything else | | a major anomaly | else |

    >>> incident_severity(Breadth("major", broken=3, applications=3, share=0.8), IncidentSettings())
    'critical'
    >>> incident_severity(Breadth("minor", operations=3), IncidentSettings())
    'minor'
    """
    broad = breadth.share >= settings.critical_share
    lasting_errors = breadth.erring and breadth.lasted_s >= settings.critical_after_s
    many_broken = breadth.broken >= settings.critical_applications
    if breadth.failing or breadth.missed or (broad and (lasting_errors or many_broken)):
        return "critical"
    many = breadth.applications >= settings.major_applications or breadth.operations >= settings.major_operations
    return "major" if many or breadth.worst != "minor" else "minor"
