"""Cold start: what is still missing is told with a number, and the prior that was assumed is on record."""

import pytest

from tracehound.detectors.charts.priors import PRIOR_VERSION
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution
from tracehound.schemas.model_event import ModelEvent

SETTINGS = DetectionSettings(warm_up_executions=40, operations_per_application=3)
SHOP = ("shop", "")


def executions(operation: str, count: int, start: int) -> list[Execution]:
    return [Execution("shop", operation, float(start + i), 50.0 + i % 7) for i in range(count)]


def told(scorer: Scorer, given: list[Execution]) -> list[tuple[str, str, int, int]]:
    events: list[ModelEvent] = scorer.score(given).model_events
    return [(event.data.change, event.data.operation, event.data.learned, event.data.needed) for event in events]


@pytest.fixture
def scorer() -> Scorer:
    return Scorer(SETTINGS, InlineFitter())


def test_a_new_application_says_what_each_operation_needs_and_which_prior_it_starts_from(scorer: Scorer) -> None:
    [event] = scorer.score(executions("GET /", 1, 0)).model_events
    assert (event.data.change, event.data.operation, event.data.needed) == ("warming", "", 40)
    assert event.data.sentence == (
        "shop is new: each of its operations needs 40 executions to rank others among, and is judged beside what is "
        f"usual elsewhere until then (shipped prior, version {PRIOR_VERSION})."
    )


def test_operations_that_come_with_their_application_are_not_told_apart(scorer: Scorer) -> None:
    both = [one for pair in zip(executions("a", 20, 0), executions("b", 20, 0), strict=True) for one in pair]
    assert told(scorer, both) == [("warming", "", 0, 40)]


def test_a_new_operation_of_a_known_application_is_told_and_then_ready(scorer: Scorer) -> None:
    told(scorer, executions("GET /", 50, 0))
    events = scorer.score(executions("GET /new", 40, 50)).model_events
    assert [(event.data.change, event.data.operation, event.data.needed) for event in events] == [
        ("warming", "GET /new", 40),
        ("ready", "GET /new", 0),
    ]
    assert events[0].data.sentence.startswith("GET /new of shop is new")
    assert "needs 40" in events[0].data.sentence
    assert len({event.id for event in events}) == 2


def test_operations_beyond_the_limit_are_told_once_under_the_name_that_they_share(scorer: Scorer) -> None:
    told(scorer, executions("GET /0", 50, 0))
    found = [told(scorer, executions(f"GET /{i}", 1, 50 + i)) for i in range(1, 6)]
    assert [operation for events in found for _, operation, _, _ in events] == [
        "GET /1",
        "GET /2",
        "(other operations)",
    ]


@pytest.mark.parametrize("size", [1, 17])
def test_readiness_does_not_depend_on_batch_boundaries(scorer: Scorer, size: int) -> None:
    given = executions("GET /", 45, 0) + executions("GET /new", 45, 45)
    split = [event for i in range(0, len(given), size) for event in told(scorer, given[i : i + size])]
    assert split == told(Scorer(SETTINGS, InlineFitter()), given)


def test_a_snapshot_names_its_prior_and_is_kept_when_another_is_shipped(scorer: Scorer) -> None:
    told(scorer, executions("GET /", 60, 0))
    state = unpack(scorer.snapshot(SHOP))
    assert state["numbers"]["prior"] == PRIOR_VERSION
    state["numbers"]["prior"] = PRIOR_VERSION + 1
    other = Scorer(SETTINGS, InlineFitter())
    assert other.restore(pack(state)) == SHOP
    assert unpack(other.snapshot(SHOP))["numbers"]["prior"] == PRIOR_VERSION + 1
    assert told(other, executions("GET /", 10, 60)) == []
