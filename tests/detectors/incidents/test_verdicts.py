"""What people say of incidents and anomalies: what is judged to be nothing is over, and stays so."""

import pytest

from tests.detectors.incidents.records import World, anomaly, changes, verdict
from tracehound.schemas.errors import UnknownSubjectError


@pytest.fixture
def world() -> World:
    return World({"shop": []})


def test_an_incident_that_is_judged_a_false_positive_is_over(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0))
    [resolved] = world.take(verdict(opened.subject))

    assert resolved.data.state == "resolved"
    assert resolved.data.reason == "judged a false positive by ann"
    assert world.run(until_s=400.0) == []


def test_an_expected_change_is_over_too(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0))

    assert changes(world.take(verdict(opened.subject, "expected_change"))) == [("resolved", "major")]


def test_a_confirmed_incident_goes_on(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0))

    assert world.take(verdict(opened.subject, "confirmed")) == []
    assert world.book.statistics()["open"] == 1


def test_all_of_its_anomalies_must_be_judged(world: World) -> None:
    one, other = anomaly("shop", 16.0), anomaly("shop", 17.0)
    world.take(one, other)

    assert world.take(verdict(one.id), verdict(one.id)) == []
    assert world.take(verdict(one.id, withdrawn=True), verdict(other.id)) == []
    assert changes(world.take(verdict(one.id))) == [("resolved", "major")]


def test_the_same_does_not_open_it_again_but_something_else_or_graver_does(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0))
    world.take(verdict(opened.subject))
    world.run(until_s=800.0)
    assert world.take(anomaly("shop", 801.0), anomaly("shop", 802.0)) == []
    world.run(until_s=1_600.0)
    assert world.take(anomaly("shop", 1_600.0)) == []  # the pattern went on within the grace
    [other] = world.take(anomaly("shop", 1_601.0, operation="POST /"))

    assert other.subject != opened.subject


def test_what_is_graver_than_what_was_judged_is_told(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0, kind="errors"))
    world.take(verdict(opened.subject))

    assert changes(world.take(anomaly("shop", 20.0, "critical", kind="errors"))) == [("opened", "critical")]


def test_a_verdict_that_is_withdrawn_lets_it_open_again(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0))
    world.take(verdict(opened.subject), verdict(opened.subject, withdrawn=True))
    [again] = world.take(anomaly("shop", 20.0))

    assert (again.subject, again.data.reopened) == (opened.subject, 1)


def test_what_was_judged_before_anybody_was_told_is_never_told(world: World) -> None:
    single = anomaly("shop", 16.0, "minor")
    world.take(single, verdict(single.id))

    assert world.take(anomaly("shop", 20.0, "minor"), anomaly("shop", 21.0, "minor")) == []
    assert world.book.statistics()["pending"] == 0


def test_verdicts_on_unknown_things_are_refused_and_change_nothing(world: World) -> None:
    before = world.book.snapshot()
    with pytest.raises(UnknownSubjectError, match="Got 'nobody knows' instead"):
        world.take(verdict("nobody knows"))

    assert (world.book.snapshot(), world.book.take_lessons()) == (before, [])
