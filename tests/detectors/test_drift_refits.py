"""Drift in the scoring core: told on the models topic, a reason to refit, never an anomaly; and refits on demand."""

import random
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.charts.drift import BLOCK, REFERENCE, SAMPLE
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.refits import AFTER_DRIFT, DRIFT_REST, SMALLEST_SAMPLE, Refits
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution
from tracehound.schemas.model_event import ModelEvent

SETTINGS = DetectionSettings(
    first_refit=100, refit_every_at_most=100_000, reservoir=300, refit_delay=64, patience_s=100
)
SHOP = ("shop", "")
LEARNED = SAMPLE + REFERENCE + SETTINGS.warm_up_executions
CHANGED = LEARNED + 200


def executions(count: int, spread: float, start: int = 0) -> list[Execution]:
    draw = random.Random(f"{start} {spread}")
    return [
        Execution("shop", "GET /", float(start + i), draw.lognormvariate(4, spread), trace_id=str(start + i))
        for i in range(count)
    ]


def drifting(count: int) -> list[Execution]:
    """Executions whose times scatter less than before from ``CHANGED`` on, which no chart takes for a fault."""
    return executions(CHANGED, 0.3) + executions(count - CHANGED, 0.1, CHANGED)


def scored(found: Scorer, given: list[Execution], size: int = 10_000) -> tuple[list[AnomalyEvent], list[ModelEvent]]:
    anomalies, told = [], []
    for first in range(0, len(given), size):
        result = found.score(given[first : first + size])
        anomalies += [event for _, event in result.anomalies]
        told += result.model_events
    return anomalies, told


def of(change: str, told: list[ModelEvent]) -> list[ModelEvent]:
    return [event for event in told if event.data.change == change]


def identified(events: tuple[list[AnomalyEvent], list[ModelEvent]]) -> list[str]:
    """What identifies events: training takes another time in each run."""
    return [event.id for kind in events for event in kind]


def scorer(settings: DetectionSettings = SETTINGS) -> Scorer:
    return Scorer(settings, InlineFitter())


def test_drift_is_told_once_per_feature_with_its_numbers_and_is_no_anomaly() -> None:
    found = scorer()
    anomalies, told = scored(found, drifting(CHANGED + 5 * BLOCK))
    assert anomalies == []
    drifts = [event.data for event in of("drift", told)]
    assert [drift.model.split()[-1] for drift in drifts] == ["self_ms", "local_ms"]
    first = drifts[0]
    assert (first.application, first.operation) == ("shop", "GET /")
    assert CHANGED + BLOCK <= first.learned <= CHANGED + 4 * BLOCK
    assert "self_ms of GET / in shop has drifted" in first.sentence
    assert "the limit is 0.24" in first.sentence
    assert "refitted" in first.sentence
    assert len({event.id for event in told}) == len(told)


def test_without_drift_nothing_is_told_and_the_index_is_small() -> None:
    found = scorer()
    assert found.drift() == {}
    _, told = scored(found, executions(CHANGED + 5 * BLOCK, 0.3))
    assert of("drift", told) == []
    assert 0.0 < found.drift()[SHOP] < 0.2


def test_each_application_has_its_own_index() -> None:
    alone, found = scorer(), scorer()
    given = executions(CHANGED + 2 * BLOCK, 0.3)
    other = [replace(one, application="bank", operation=f"GET /{at % 2}") for at, one in enumerate(given)]
    scored(alone, given)
    scored(found, [replace(given[0], application="young"), *given, *other[: 2 * CHANGED]])
    assert found.drift()[SHOP] == alone.drift()[SHOP]
    scored(found, [replace(one, started_at=float(one.started_at) + 10_000) for one in other])
    assert found.drift().keys() == {SHOP, ("bank", "")}
    assert found.drift()[SHOP] == alone.drift()[SHOP]


def test_a_fault_is_no_drift() -> None:
    found, slow = scorer(), executions(3 * BLOCK, 0.3, CHANGED)
    for execution in slow:
        execution.duration_ms *= 20.0
    anomalies, told = scored(found, executions(CHANGED, 0.3) + slow)
    assert anomalies
    assert of("drift", told) == []


def test_a_drift_leads_to_a_refit_later_at_a_count() -> None:
    _, told = scored(scorer(), drifting(CHANGED + 5 * BLOCK + AFTER_DRIFT))
    seen = of("drift", told)[0].data.learned
    refits = [event.data for event in of("trained", told) if "after drift" in event.data.sentence]
    assert [refit.learned for refit in refits] == [seen + AFTER_DRIFT]
    assert all("on schedule" in event.data.sentence for event in of("trained", told) if event.data not in refits)


def test_without_a_refitted_detector_drift_is_told_all_the_same() -> None:
    found = scorer(DetectionSettings(extra_detectors=(), patience_s=100))
    _, told = scored(found, drifting(CHANGED + 5 * BLOCK + AFTER_DRIFT))
    assert len(of("drift", told)) == 2
    assert "refitted" not in of("drift", told)[0].data.sentence
    assert of("trained", told) == []


@pytest.mark.parametrize("size", [64, 999])
def test_batch_boundaries_change_neither_drift_nor_its_refit(size: int) -> None:
    given = drifting(CHANGED + 5 * BLOCK + AFTER_DRIFT)
    whole, split = scorer(), scorer()
    assert identified(scored(split, given, size)) == identified(scored(whole, given))
    assert split.snapshot(SHOP) == whole.snapshot(SHOP)


@pytest.mark.parametrize("cut", [LEARNED - 5, CHANGED + 2 * BLOCK + 100, CHANGED + 2 * BLOCK + AFTER_DRIFT])
def test_a_restored_scorer_goes_on_with_drift_and_refit(cut: int) -> None:
    given = drifting(CHANGED + 5 * BLOCK + AFTER_DRIFT)
    whole, first, second = scorer(), scorer(), scorer()
    expected = scored(whole, given)
    before = scored(first, given[:cut])
    second.restore(first.snapshot(SHOP))
    assert identified(before) + identified(scored(second, given[cut:])) == identified(expected)
    assert second.snapshot(SHOP) == whole.snapshot(SHOP)


def refits() -> tuple[Refits, ApplicationModels]:
    made = Refits(SETTINGS, Ensemble(SETTINGS), InlineFitter())
    application = ApplicationModels(SHOP, 0, next_refit=0, next_stop=0)
    made.schedule(application)
    return made, application


def test_drifts_close_together_lead_to_one_refit_and_never_soon_after_another() -> None:
    made, application = refits()
    application.last_refit = 50_000
    earliest = 50_000 + DRIFT_REST * SETTINGS.first_refit
    assert made.drifted(application, 50_010)
    assert application.asked_refit == max(50_010 + AFTER_DRIFT, earliest)
    asked = application.asked_refit
    made.drifted(application, 50_020)
    assert application.asked_refit == asked
    application.asked_refit = None
    made.drifted(application, 90_000)
    assert application.asked_refit == 90_000 + AFTER_DRIFT


def test_a_refit_on_demand_starts_at_the_next_execution_and_takes_effect_after_the_delay() -> None:
    found, given = scorer(), executions(1_000, 0.3)
    scored(found, given[:700])
    found.refit(SHOP)
    assert of("trained", scored(found, given[700 : 700 + SETTINGS.refit_delay])[1]) == []
    [trained] = scored(found, given[700 + SETTINGS.refit_delay : 701 + SETTINGS.refit_delay])[1]
    assert (trained.data.change, trained.data.learned) == ("trained", 700)
    assert "on demand" in trained.data.sentence
    assert of("trained", scored(found, given[701 + SETTINGS.refit_delay :])[1]) == []


def test_demands_during_a_refit_wait_for_it_and_are_one() -> None:
    found, given = scorer(), executions(1_000, 0.3)
    scored(found, given[:600])
    for count in (600, 601, 602, 603):
        found.refit(SHOP)
        scored(found, given[count : count + 1])
    told = of("trained", scored(found, given[604:])[1])
    assert [event.data.learned for event in told] == [600, 600 + SETTINGS.refit_delay]


def test_a_demanded_refit_survives_a_restart() -> None:
    given = executions(1_000, 0.3)
    whole, second = scorer(), scorer()
    scored(whole, given[:700])
    whole.refit(SHOP)
    second.restore(whole.snapshot(SHOP))
    assert identified(scored(second, given[700:])) == identified(scored(whole, given[700:]))
    assert second.snapshot(SHOP) == whole.snapshot(SHOP)


def test_a_demand_with_too_few_executions_is_answered_with_the_number() -> None:
    found, given = scorer(), executions(60, 0.3)
    scored(found, given[:50])
    found.refit(SHOP)
    [failed] = of("training_failed", scored(found, given[50:])[1])
    assert f"needs {SMALLEST_SAMPLE}" in failed.data.sentence


def test_that_it_is_asked_for_is_told_with_what_it_takes() -> None:
    found = scorer()
    scored(found, executions(300, 0.3))
    [told] = found.refit(SHOP, 1_790_000_000.0)
    assert (told.data.change, told.data.learned, told.data.needed) == ("training", 300, SETTINGS.refit_delay)
    assert "is trained as asked at 2026-09-21T14:13:20.000Z, and judges after" in told.data.sentence
    [again] = found.refit(SHOP, 1_790_000_001.0)
    assert again.id != told.id
    [trained] = [
        event
        for event in of("trained", scored(found, executions(600, 0.3)[300:])[1])
        if "on demand" in event.data.sentence
    ]
    assert trained.data.cost is not None
    assert (trained.data.learned, trained.data.cost.why, trained.data.cost.features > 1) == (300, "on demand", True)


def test_of_an_unknown_application_it_is_told_that_it_has_nothing_to_train() -> None:
    [told] = scorer().refit(SHOP, 5.0)
    assert (told.data.change, told.data.sentence) == (
        "training_failed",
        "The models of shop are not trained as asked at 1970-01-01T00:00:05.000Z: it has no models.",
    )


class KeepingFitter(InlineFitter):
    """Fits at once and keeps the samples."""

    def __init__(self) -> None:
        self.samples: list[Any] = []

    def submit(self, fit: Any, /, *arguments: Any) -> Future[Any]:
        self.samples.append(arguments[0])
        return super().submit(fit, *arguments)


def share_of_slow(given: list[Execution]) -> float:
    """Share of the sample after ``given`` whose self time ranks among the slowest hundredth of its operation."""
    fitter = KeepingFitter()
    found = Scorer(SETTINGS, fitter)
    scored(found, given)
    found.refit(SHOP)
    scored(found, executions(1, 0.3, 10_000))
    return float(np.mean(fitter.samples[-1][:, 0] > 0.99))


@pytest.mark.parametrize("one_in", [1, 12], ids=["lasting", "scattered"])
def test_anomalies_do_not_get_into_the_sample(one_in: int) -> None:
    faulty = executions(600, 0.3, 600)
    for execution in faulty[::one_in]:
        execution.duration_ms *= 50.0
    usual = share_of_slow(executions(1_200, 0.3))
    assert share_of_slow(executions(600, 0.3) + faulty) <= usual + 0.02


def test_executions_of_a_warming_operation_do_not_get_into_the_sample() -> None:
    fitter = KeepingFitter()
    found = Scorer(SETTINGS, fitter)
    scored(found, executions(SETTINGS.warm_up_executions + 80, 0.3))
    found.refit(SHOP)
    scored(found, executions(1, 0.3, 10_000))
    assert SMALLEST_SAMPLE <= len(fitter.samples[-1]) <= 80


@pytest.mark.parametrize("size", [1_000, 77])
def test_a_refit_that_came_too_early_is_tried_again_soon(size: int) -> None:
    settings, names = DetectionSettings(), 100
    given = [replace(one, operation=f"GET /{at % names}") for at, one in enumerate(executions(6_000, 0.3))]
    found = scorer(settings)
    [trained] = of("trained", scored(found, given, size)[1])
    warm = names * settings.warm_up_executions
    assert warm < trained.data.learned <= warm + settings.first_refit + SMALLEST_SAMPLE
