"""What is learned and told follows from the order of an application's executions alone."""

import random
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pytest

from tracehound.detectors.forests.fitting import InlineFitter, PoolFitter
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution, ExecutionFailure, Segment
from tracehound.schemas.model_event import ModelEvent

SETTINGS = DetectionSettings(
    first_refit=200, reservoir=300, refit_delay=64, window_s=2.0, lateness_s=0.5, release_patience_s=20.0
)
SHOP = ("shop", "")
RATE = 8.0


def executions(application: str, count: int, start: float, seed: int, rate: float = RATE) -> list[Execution]:
    """Three operations with two joined calls and a query; some arrive late, some fail."""
    draw = random.Random(f"{application}{seed}")
    made = []
    for number in range(count):
        remote, gap, query, own = (draw.lognormvariate(mean, 0.2) for mean in (3.0, 1.0, 2.0, 3.0))
        at, segments = own / 2, []
        for peer in ("stock", "prices")[: 1 + number % 2]:
            segments.append(Segment(f"GET /{peer}", remote + gap, "http", at, peer=peer, remote_ms=remote))
            at += remote + gap
        segments.append(Segment("SELECT", query, "db", at, peer="pg"))
        one = Execution(
            application,
            f"GET /{number % 3}",
            start + number / rate - (3.0 if draw.random() < 0.01 else 0.0),
            at + query + own / 2,
            trace_id=f"{application}-{seed}-{number}",
            segments=segments,
            memory_peak_mb=draw.lognormvariate(5.0, 0.05),
            version="1",
        )
        made.append(failed(one) if draw.random() < 0.003 else one)
    return made


def failed(one: Execution, name: str = "Conflict") -> Execution:
    return msgspec.structs.replace(one, status="error", error=ExecutionFailure(name, "no"))


def slow(one: Execution, milliseconds: float = 60.0, **changes: str) -> Execution:
    """More time on the way to every peer."""
    for segment in one.segments:
        if segment.remote_ms is not None:
            segment.duration_ms += milliseconds
    return msgspec.structs.replace(one, duration_ms=one.duration_ms + 2 * milliseconds, **changes)


def queries(one: Execution) -> Execution:
    return msgspec.structs.replace(one, segments=[*one.segments, *[Segment("SELECT", 0.5, "db", peer="pg")] * 30])


def story(application: str = "shop") -> list[Execution]:
    """Normal, a slow network, normal, N+1 queries, errors of a new type, a surge, and a slow release."""
    parts = [
        executions(application, 1_200, 0.0, 1),
        [slow(one) for one in executions(application, 80, 150.0, 2)],
        executions(application, 200, 160.0, 3),
        [queries(one) for one in executions(application, 60, 185.0, 4)],
        [failed(one, "Timeout") for one in executions(application, 60, 193.0, 5)],
        executions(application, 500, 201.0, 6, rate=60.0),
        [slow(one, 25.0, version="2") for one in executions(application, 400, 210.0, 7)],
    ]
    return [one for part in parts for one in part]


def scorer() -> Scorer:
    return Scorer(SETTINGS, InlineFitter())


class Told:
    """Everything that scoring led to, of one application."""

    def __init__(self, application: str = "shop") -> None:
        self._application = application
        self.anomalies: list[AnomalyEvent] = []
        self.changes: list[ModelEvent] = []
        self.scores: list[float] = []
        self.severities: list[str | None] = []

    def take(self, given: Sequence[Execution], scored: ScoredBatch) -> None:
        self.anomalies += [event for _, event in scored.anomalies if event.data.application == self._application]
        self.changes += [
            without_cost(event) for event in scored.model_events if event.data.application == self._application
        ]
        mine = [row for row, one in enumerate(given) if one.application == self._application]
        self.scores += scored.score[mine].tolist()
        self.severities += [scored.severity[row] for row in mine]

    def is_the_same_as(self, other: "Told") -> bool:
        assert self.anomalies == other.anomalies
        assert self.changes == other.changes
        assert self.severities == other.severities
        assert np.array_equal(self.scores, other.scores)
        return True


def without_cost(event: ModelEvent) -> ModelEvent:
    """What a refit cost is measured, so it is not the same twice."""
    data = msgspec.structs.replace(event.data, cost=None, sentence=event.data.sentence.rsplit(" in ", 1)[0])
    return msgspec.structs.replace(event, data=data)


def run(made: Scorer, given: list[Execution], size: int = 100_000, told: Told | None = None) -> Told:
    told = told or Told()
    for first in range(0, len(given), size):
        some = given[first : first + size]
        told.take(some, made.score(some))
    return told


@pytest.fixture(scope="module")
def whole() -> tuple[Told, bytes]:
    made = scorer()
    told = run(made, story())
    return told, made.snapshot(SHOP)


def test_the_story_has_something_of_everything(whole: tuple[Told, bytes]) -> None:
    told = whole[0]
    assert {event.data.kind for event in told.anomalies} >= {"latency", "structure", "errors", "traffic"}
    assert {event.data.change for event in told.changes} >= {"warming", "ready", "trained", "release", "new_normal"}
    shared = [event.data for event in told.anomalies if len(event.data.contributions) > 1]
    assert any("calls to stock" in data.contributions for data in shared)


@pytest.mark.parametrize("size", [1, 7, 64, 501])
def test_batch_boundaries_change_nothing(whole: tuple[Told, bytes], size: int) -> None:
    made = scorer()
    assert run(made, story(), size).is_the_same_as(whole[0])
    assert made.snapshot(SHOP) == whole[1]


@pytest.mark.parametrize("size", [13, 5_000])
def test_other_applications_in_between_change_nothing(whole: tuple[Told, bytes], size: int) -> None:
    made, mine = scorer(), story()
    others, third = story("other"), executions("third", len(mine), 0.0, 8)
    mixed = [one for row in zip(others, mine, third, strict=True) for one in row]
    assert run(made, mixed, size).is_the_same_as(whole[0])
    assert made.snapshot(SHOP) == whole[1]


@pytest.mark.parametrize("cut", [20, 70, 240, 300, 1_250, 1_500, 1_570, 1_900, 2_250])
def test_a_restored_application_goes_on_as_if_nothing_had_happened(whole: tuple[Told, bytes], cut: int) -> None:
    """Cuts in warm-up, between start and effect of a refit, and within each fault; into slots that others had."""
    given, first, second = story(), scorer(), scorer()
    told = run(first, given[:cut])
    second.score(executions("other", 50, 0.0, 9))
    assert second.restore(first.snapshot(SHOP)) == SHOP
    assert second.snapshot(SHOP) == first.snapshot(SHOP)
    second.forget(("other", ""))
    second.score(executions("third", 50, 0.0, 9))
    assert run(second, given[cut:], told=told).is_the_same_as(whole[0])
    assert second.snapshot(SHOP) == whole[1]


def test_restoring_replaces_what_was_there(whole: tuple[Told, bytes]) -> None:
    made = scorer()
    made.score(executions("shop", 300, 0.0, 11))
    made.restore(whole[1])
    assert made.snapshot(SHOP) == whole[1]


@pytest.fixture
def pool() -> Iterator[PoolFitter]:
    fitter = PoolFitter(1)
    yield fitter
    fitter.close()


def test_a_pool_of_processes_gives_the_same_state(pool: PoolFitter, whole: tuple[Told, bytes]) -> None:
    made = Scorer(SETTINGS, pool)
    assert run(made, story()).is_the_same_as(whole[0])
    assert made.snapshot(SHOP) == whole[1]


def test_state_does_not_show_whose_place_it_has_taken() -> None:
    fresh, used = (Scorer(SETTINGS, InlineFitter()) for _ in range(2))
    used.score([one for application in ("one", "other") for one in story(application)])
    for application in used.applications():
        used.forget(application)
    for scorer in (fresh, used):
        scorer.score(story())
    assert used.snapshot(SHOP) == fresh.snapshot(SHOP)
