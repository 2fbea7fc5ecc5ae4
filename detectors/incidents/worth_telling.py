"""Whether an incident is worth telling: for the first time, or again because of what is new or graver."""

from tracehound.detectors.incidents.environment import Environment
from tracehound.detectors.incidents.incident import Spell, TrackedIncident
from tracehound.detectors.incidents.incident_event import causes_of
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.incidents.severity import Breadth, incident_severity
from tracehound.schemas.anomaly import SEVERITIES

CLEAR_LEAD = 0.1
"""By so much more of what is unusual the new suspect must explain than the one that people were told of."""


def is_confirmed(incident: TrackedIncident, settings: IncidentSettings) -> bool:
    """Whether enough is known to tell somebody: anything major, or minor anomalies that are not a single outlier."""
    spell = incident.spell
    lasted_s = incident.seen_s - spell.since_s
    if spell.worst > 0 or spell.certain:
        return True
    return spell.occasions >= settings.confirm_occasions or lasted_s >= settings.confirm_s


def judge_severity(incident: TrackedIncident, clock_s: float, settings: IncidentSettings) -> int:
    """How grave it is at event time ``clock_s``, as place in ``SEVERITIES``: the worst since it was opened."""
    spell = incident.spell
    breadth = Breadth(
        worst=SEVERITIES[spell.worst],
        failing=spell.failing,
        erring=spell.erring,
        missed=spell.missed,
        broken=spell.broken,
        applications=len(incident.members),
        operations=incident.operation_count,
        share=_share(spell),
        lasted_s=clock_s - spell.since_s,
    )
    spell.severity = max(spell.severity, SEVERITIES.index(incident_severity(breadth, settings)))
    return spell.severity


def why_again(incident: TrackedIncident, clock_s: float, severity: int, settings: IncidentSettings) -> str | None:
    """Why an open incident is to be told again at event time ``clock_s``, in a few words; None where it is not.

    It becomes *persisting* here.
    """
    told = incident.told
    if told is None:
        return None
    if severity > told.severity:
        return f"escalated to {SEVERITIES[severity]}"
    if incident.spell.silences > told.silences == 0:
        return "an application fell silent"
    if incident.phase == "open" and clock_s - incident.spell.since_s >= settings.persist_after_s:
        incident.phase = "persisting"
        return f"goes on for longer than {settings.persist_after_s:g} s"
    joined = len(incident.members) - told.applications
    more = incident.anomaly_count - told.anomalies
    if joined > 0 and _due(clock_s, told.clock_s, settings.join_update_s):
        return "1 more application deviates" if joined == 1 else f"{joined} more applications deviate"
    often_s = settings.update_every_s if incident.phase == "open" else settings.persist_after_s
    if more > 0 and _due(clock_s, told.clock_s, often_s):
        return "1 more anomaly" if more == 1 else f"{more} more anomalies"
    return None


def other_cause(
    environment: Environment, incident: TrackedIncident, clock_s: float, settings: IncidentSettings
) -> str | None:
    """Who is now suspected instead of the one that people were told of, in a few words; None where nobody is.

    Suspects are compared now and then only, and the new one has to lead clearly.
    """
    told = incident.told
    if told is None or told.weighed_s is None or not _due(clock_s, told.weighed_s, settings.join_update_s):
        return None
    told.weighed_s = clock_s
    causes = causes_of(environment, incident)
    former = max((cause.share for cause in causes if cause.application == told.cause), default=0.0)
    if not causes or causes[0].share < former + CLEAR_LEAD:
        return None
    return f"the cause is now suspected in {causes[0].application}"


def _share(spell: Spell) -> float:
    return min(1.0, spell.affected / spell.executions) if spell.executions else 0.0


def _due(clock_s: float, told_s: float, after_s: float) -> bool:
    """A clock that was far ahead when something was told holds nothing up."""
    return abs(clock_s - told_s) >= after_s
