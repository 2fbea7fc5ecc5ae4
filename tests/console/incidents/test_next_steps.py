"""What to look at next: releases and what deviating executions share first, then the cause, then an execution."""

import msgspec

from tests.console.store.reader.told import BEGIN_S, anomaly, incident
from tracehound.console.incidents.next_steps import next_steps
from tracehound.schemas.anomaly import AnomalyEvent, Concentration
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.incident import Incident, IncidentEvent, Release, SuspectedCause


def an_incident(cause: str | None, *released_s: float) -> Incident:
    told = msgspec.json.decode(incident("slow", 1, "opened"), type=IncidentEvent).data
    told.suspected_cause = SuspectedCause(cause, "GET /stock", 0.8, "It explains 80 %.") if cause else None
    told.releases = [Release("shop", f"v{number}", rfc3339(BEGIN_S + at)) for number, at in enumerate(released_s)]
    return told


def an_anomaly(number: int) -> AnomalyEvent:
    return msgspec.json.decode(anomaly(number), type=AnomalyEvent)


def test_all_that_is_known_is_said_in_an_order_that_helps() -> None:
    event = an_anomaly(1)
    told = an_incident("shop", -120.0)
    host = Concentration("host", "web-3", 0.96, 0.11)
    found = next_steps(told, [(event, host)], [event], {event.id}, {"shop"})
    assert [one.sentence for one in found] == [
        "shop v0 was first seen 2 minutes before it began: see what it changed, and roll it back if that is quicker.",
        "96 % of what deviates has host web-3, usually 11 %: look at that one first, or take it out.",
        "Look at shop GET /stock: what it did before and since, its operations and its versions.",
        f"Open an execution of {event.data.application} {event.data.operation} beside a usual one, and see where its "
        "time went.",
    ]
    assert [(one.application, one.anomaly_id) for one in found] == [
        ("shop", ""),
        ("", event.id),
        ("shop", ""),
        ("", event.id),
    ]


def test_a_cause_that_tells_nothing_of_itself_leads_to_no_page() -> None:
    (step, other) = next_steps(an_incident("db"), [], [an_anomaly(1)], set(), {"shop"})
    assert step.sentence.startswith("db tells nothing of itself")
    assert (step.application, step.anomaly_id) == ("", "")
    assert other.sentence.startswith("No single execution is kept")


def test_releases_of_another_day_and_more_than_two_are_not_pointed_at() -> None:
    found = next_steps(an_incident(None, -86_400.0, -1_000.0, -60.0, 30.0), [], [], set(), set())
    assert [one.sentence[:7] for one in found] == ["shop v3", "shop v2"]
    assert next_steps(an_incident(None), [], [], set(), set()) == []
