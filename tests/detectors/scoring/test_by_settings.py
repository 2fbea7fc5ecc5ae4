"""Applications with settings of their own are judged as if each were alone, and keep what they learned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detectors.scoring.shop import slowed, workload
from tracehound.detectors.candidates import OF_WORKERS, with_candidate
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.by_settings import SCORER_BYTES, ScorerBySettings
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import Execution

SHOP, CART = ("shop", ""), ("cart", "")
DEAF = {"minimum_excess_ms": 60_000.0, "tail_score": 50.0}


def scorer() -> ScorerBySettings:
    return ScorerBySettings(DetectionSettings(), InlineFitter())


def interleaved(count: int) -> list[Execution]:
    shop, cart = workload("shop", count), workload("cart", count)
    shop[count // 2 :: 7] = slowed(shop[count // 2 :: 7], 3_000.0)
    cart[count // 2 :: 7] = slowed(cart[count // 2 :: 7], 3_000.0)
    return [one for pair in zip(shop, cart, strict=True) for one in pair]


def test_each_is_judged_by_its_own_as_if_it_were_alone() -> None:
    together, usual = scorer(), Scorer(DetectionSettings(), InlineFitter())
    deaf = Scorer(DetectionSettings(minimum_excess_ms=60_000.0, tail_score=50.0), InlineFitter())
    together.settle(SHOP, DEAF)
    executions = interleaved(600)
    batch = together.score(executions)
    alone = {
        "shop": deaf.score([one for one in executions if one.application == "shop"]),
        "cart": usual.score([one for one in executions if one.application == "cart"]),
    }
    for name, found in alone.items():
        indexes = [index for index, one in enumerate(executions) if one.application == name]
        assert batch.score[indexes].tolist() == found.score.tolist()
        assert [batch.severity[index] for index in indexes] == found.severity
        assert batch.warming[indexes].tolist() == found.warming.tolist()
        told = [(index, event.id) for index, event in batch.anomalies if event.data.application == name]
        assert told == [(indexes[index], event.id) for index, event in found.anomalies]
    assert [index for index, _ in batch.anomalies] == sorted(index for index, _ in batch.anomalies)
    assert (together.snapshot(SHOP), together.snapshot(CART)) == (deaf.snapshot(SHOP), usual.snapshot(CART))
    assert len(alone["cart"].anomalies) > len(alone["shop"].anomalies)


def test_models_move_with_all_that_they_learned_and_back() -> None:
    moved, stayed = scorer(), scorer()
    executions = workload("shop", 400)
    for one in (moved, stayed):
        one.score(executions)
    before = moved.snapshot(SHOP)
    moved.settle(SHOP, {"least_sigma": 5})
    assert moved.settings_of(SHOP).least_sigma == 5.0
    assert (moved.snapshot(SHOP), moved.now_s(SHOP)) == (before, stayed.now_s(SHOP))
    assert moved.statistics()["applications"] == 1
    moved.settle(SHOP, {})
    assert (moved.settings_of(SHOP), moved.snapshot(SHOP)) == (DetectionSettings(), before)


def test_what_is_stored_is_restored_under_settings_that_are_known_by_then() -> None:
    first, second = scorer(), scorer()
    first.settle(SHOP, DEAF)
    first.score(workload("shop", 300))
    second.settle(SHOP, DEAF)
    assert second.restore(first.snapshot(SHOP)) == SHOP
    more = slowed(workload("shop", 20, start=9_000.0), 5_000.0)
    assert first.score(more).score.tolist() == second.score(more).score.tolist()


def test_applications_with_the_same_settings_share_and_the_last_one_takes_the_scorer_with_it() -> None:
    core = scorer()
    for number in range(20):
        core.settle((f"a{number}", ""), {"least_sigma": 5.0})
    core.score([one for number in range(20) for one in workload(f"a{number}", 2)])
    many = core.statistics()
    assert (many["applications"], many["state_bytes"] > SCORER_BYTES) == (20, True)
    assert many["state_bytes"] < 2 * SCORER_BYTES + 20 * 500_000
    for number in range(20):
        core.forget((f"a{number}", ""))
    assert core.statistics()["state_bytes"] < SCORER_BYTES
    assert core.settings_of(("a3", "")).least_sigma == 5.0


def test_thousands_of_applications_with_settings_take_little_while_they_are_not_here() -> None:
    core = scorer()
    for number in range(5_000):
        core.settle((f"application {number}", ""), {"least_sigma": 4.0 + number % 50 / 100.0})
    assert core.statistics()["state_bytes"] <= 5_000 * 1_000


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"least_sigma": 41.0}, "The setting 'least_sigma' must be from 3 to 40. Got 41.0 instead."),
        ({"least_sigma": 9.0}, "The setting 'major_sigma' must be at least 'least_sigma'. Got 8.0 and 9.0 instead."),
        ({"first_refit": 512.5}, "The setting 'first_refit' must be a whole number. Got 512.5 instead."),
        ({"first_refit": float("inf")}, "The setting 'first_refit' must be a finite number. Got inf instead."),
        ({"lateness_s": 31.0}, "The setting 'window_s' must be at least 'lateness_s'. Got 30.0 and 31.0 instead."),
        ({"partitions": 8.0}, "A setting that is searched must be a number of detection. Got 'partitions' instead."),
        ({"extra_detectors": 8.0}, "must be a number of detection. Got 'extra_detectors' instead."),
        *(
            ({name: 100.0}, f"The setting '{name}' must be the same for all applications.")
            for name in sorted(OF_WORKERS)
        ),
    ],
)
def test_settings_that_cannot_be_change_nothing(wrong: dict[str, float], sentence: str) -> None:
    core = scorer()
    core.settle(SHOP, {"least_sigma": 5.0})
    with pytest.raises(ConfigurationError) as refused:
        core.settle(SHOP, wrong)
    assert sentence in str(refused.value)
    assert core.settings_of(SHOP).least_sigma == 5.0


def extremes() -> list[tuple[str, float]]:
    ranges = {
        name: one.metadata for name, one in DetectionSettings.__dataclass_fields__.items() if "low" in one.metadata
    }
    return [(name, limits[end]) for name, limits in ranges.items() if name not in OF_WORKERS for end in ("low", "high")]


@pytest.mark.parametrize(("name", "value"), extremes())
def test_whatever_may_be_set_models_take_it(name: str, value: float) -> None:
    core = scorer()
    core.score(workload("shop", 120))
    try:
        core.settle(SHOP, {name: value})
    except ConfigurationError:
        return  # two settings contradict one another
    core.score(workload("shop", 60, start=9_000.0))
    core.settle(SHOP, {})
    core.score(workload("shop", 10, start=19_000.0))
    assert core.statistics()["applications"] == 1


@given(chosen=st.lists(st.sampled_from(extremes()), min_size=2, max_size=6))
def test_of_settings_that_are_taken_scorers_can_be_built(chosen: list[tuple[str, float]]) -> None:
    try:
        settings = with_candidate(DetectionSettings(), dict(chosen))
    except ConfigurationError:
        return
    Scorer(settings, InlineFitter())
