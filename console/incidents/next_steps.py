"""What to look at next, of an incident: from what is known of it, what tells most first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from tracehound.console.web.rendering import share
from tracehound.schemas.anomaly import AnomalyEvent, Concentration
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.incident import Incident

_NEAR_S: Final = 3_600.0
_MINUTE_S: Final = 60.0
_MOST_OF_A_KIND: Final = 2


@dataclass(frozen=True, slots=True)
class NextStep:
    """A sentence, and where it leads: to an anomaly's page or to an application's; both may be empty."""

    sentence: str
    anomaly_id: str = ""
    application: str = ""


def next_steps(
    incident: Incident,
    differs: Sequence[tuple[AnomalyEvent, Concentration]],
    anomalies: Sequence[AnomalyEvent],
    exemplars: Collection[str],
    known: Collection[str],
) -> list[NextStep]:
    """What somebody looks at who was woken by it.

    Parameters:
        differs: what deviating executions have in common.
        anomalies: the gravest first.
        exemplars: ids of those anomalies of which an execution is kept.
        known: applications that have a page.
    """
    found = [*_releases(incident), *(_in_common(*one) for one in differs[:_MOST_OF_A_KIND])]
    cause = incident.suspected_cause
    if cause is not None:
        found.append(_at_the_cause(cause.application, cause.operation or "", known))
    executed = next((one for one in anomalies if one.id in exemplars), None)
    if executed is not None:
        where = f"{executed.data.application} {executed.data.operation}".strip()
        found.append(
            NextStep(f"Open an execution of {where} beside a usual one, and see where its time went.", executed.id)
        )
    elif anomalies:
        found.append(
            NextStep("No single execution is kept of it; the gravest anomaly has its numbers.", anomalies[0].id)
        )
    return found


def _releases(incident: Incident) -> list[NextStep]:
    begin_s = epoch_seconds(incident.opened_at)
    near = [one for one in incident.releases if abs(epoch_seconds(one.at) - begin_s) <= _NEAR_S]
    near.sort(key=lambda one: abs(epoch_seconds(one.at) - begin_s))
    return [
        NextStep(
            f"{one.application} {one.version} was first seen {_apart(epoch_seconds(one.at) - begin_s)}: see what it "
            "changed, and roll it back if that is quicker.",
            application=one.application,
        )
        for one in near[:_MOST_OF_A_KIND]
    ]


def _apart(after_s: float) -> str:
    """How far from the begin of an incident something was.

    >>> _apart(-125.0), _apart(60.0), _apart(-3.0)
    ('2 minutes before it began', '1 minute after it began', 'as it began')
    """
    minutes = round(abs(after_s) / _MINUTE_S)
    if not minutes:
        return "as it began"
    return f"{minutes} minute{'s' if minutes != 1 else ''} {'before' if after_s < 0 else 'after'} it began"


def _in_common(event: AnomalyEvent, one: Concentration) -> NextStep:
    return NextStep(
        f"{share(one.share)} of what deviates has {one.attribute} {one.value}, usually {share(one.usual_share)}: look "
        "at that one first, or take it out.",
        event.id,
    )


def _at_the_cause(application: str, operation: str, known: Collection[str]) -> NextStep:
    if application in known:
        where = f"{application} {operation}".strip()
        return NextStep(
            f"Look at {where}: what it did before and since, its operations and its versions.", "", application
        )
    return NextStep(
        f"{application} tells nothing of itself: look at its own logs and load, and at the network on the way."
    )
