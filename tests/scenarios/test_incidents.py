"""Ten faults of random size at random places: each must be one incident, and nothing else one."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.scenarios.conftest import Trial
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.anomaly import SEVERITIES
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.incident import IncidentEvent
from tracehound.scripts.simulator.afflicted import NEXT_VERSION
from tracehound.scripts.simulator.faults import Fault
from tracehound.scripts.simulator.judge import Verdict

SOON = IncidentSettings(quiet_s=45.0, grace_s=0.0, join_s=60.0)
"""Faults come two minutes after each other here: what has ended must be over by then."""
SETTLED_S = 60.0
BREADTH = {"saturation", "silence", "error_burst"}
"""Those that break several applications at once, which is critical whatever each of them shows."""


@dataclass(frozen=True, slots=True)
class Story:
    """The events of one fault: those of incidents that it opened, and of those that were open when it began."""

    verdict: Verdict
    events: list[IncidentEvent]
    open_before: set[str]

    @property
    def fault(self) -> Fault:
        return self.verdict.truth.fault

    @property
    def opened(self) -> set[str]:
        return {event.subject for event in self.events if event.data.revision == 1}


def at_s(event: IncidentEvent) -> float:
    return epoch_seconds(event.time)


@pytest.fixture(scope="module")
def told(trials: Sequence[Trial]) -> list[list[IncidentEvent]]:
    """The events of each system."""
    books = [IncidentBook(SOON) for _ in trials]
    return [
        [event for record in trial.log for event in book.take(record)]
        for trial, book in zip(trials, books, strict=True)
    ]


@pytest.fixture(scope="module")
def stories(trials: Sequence[Trial], told: list[list[IncidentEvent]]) -> list[Story]:
    found: list[Story] = []
    for trial, events in zip(trials, told, strict=True):
        for verdict in trial.judgement.verdicts:
            start_s, end_s = verdict.truth.fault.start_s, verdict.truth.fault.end_s + SETTLED_S
            before = {event.subject: event.data.state for event in events if at_s(event) < start_s}
            during = [event for event in events if start_s <= at_s(event) <= end_s]
            still_open = {subject for subject, state in before.items() if state != "resolved"}
            found.append(Story(verdict, during, still_open))
    return found


def test_every_fault_that_was_detected_is_one_incident(stories: list[Story]) -> None:
    wrong = [
        f"{story.fault.describe()}: {[(event.type, event.data.summary) for event in story.events]}"
        for story in stories
        if story.verdict.detected
        and (len(story.opened) > 1 or not (story.opened or story.open_before))  # an earlier one may take it in
    ]

    assert wrong == []
    assert sum(len(story.opened) for story in stories) >= 30
    assert sum(story.verdict.detected for story in stories) >= 36


def test_nothing_is_an_incident_without_a_fault(trials: Sequence[Trial], told: list[list[IncidentEvent]]) -> None:
    for trial, events in zip(trials, told, strict=True):
        spans = [(fault.start_s, fault.end_s + SETTLED_S) for fault in trial.course.faults]
        opened = [event for event in events if event.data.revision == 1]
        assert [event for event in opened if not any(a <= at_s(event) <= b for a, b in spans)] == []


def test_an_incident_is_as_grave_as_its_gravest_anomaly_or_more_where_it_is_broad(stories: list[Story]) -> None:
    for story in stories:
        gravest = story.verdict.gravest
        mine = [event for event in story.events if event.subject in story.opened]
        if gravest is None or not mine:
            continue
        worst = max(SEVERITIES.index(event.data.severity) for event in mine)
        assert worst >= SEVERITIES.index(gravest.severity), story.fault.describe()
        assert worst < SEVERITIES.index("critical") or story.fault.name in BREADTH, story.fault.describe()
        if story.fault.name == "silence":
            assert worst == SEVERITIES.index("critical")


def test_an_incident_names_the_application_of_the_fault(stories: list[Story]) -> None:
    for story in stories:
        if story.verdict.detected and story.events:
            named = {name for event in story.events for name in event.data.applications}
            assert story.fault.application in named, story.fault.describe()


def test_few_messages_are_sent_and_every_incident_ends(told: list[list[IncidentEvent]]) -> None:
    for events in told:
        last = {event.subject: event for event in events}
        assert {event.data.state for event in last.values()} == {"resolved"}
        assert all(event.data.revision <= 6 for event in last.values())


def test_the_incident_of_a_release_lists_it(stories: list[Story]) -> None:
    released = [story for story in stories if story.fault.name == "new_release" and story.opened]
    assert released
    for story in released:
        listed = {(one.application, one.version) for event in story.events for one in event.data.releases}
        assert (story.fault.application, NEXT_VERSION) in listed
