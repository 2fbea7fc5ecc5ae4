"""Which extra detectors run is a setting; snapshots outlive a change of it."""

import random

import pytest

from tracehound.detectors.calibration.calibration import PER_CHANNEL
from tracehound.detectors.ensemble import state as ensemble_state
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.ensemble.registry import DETECTORS, EXTRA_DETECTORS, chosen
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import Execution

SHOP = ("shop", "")


def settings(*extra: str) -> DetectionSettings:
    return DetectionSettings(first_refit=200, reservoir=300, refit_delay=64, extra_detectors=extra)


def scorer(*extra: str) -> Scorer:
    return Scorer(settings(*extra), InlineFitter())


def executions(count: int, start: int = 0) -> list[Execution]:
    draw = random.Random(start)
    return [Execution("shop", "GET /", float(start + i), draw.lognormvariate(4, 0.3)) for i in range(count)]


def test_all_extra_detectors_run_by_default() -> None:
    assert DetectionSettings().extra_detectors == tuple(EXTRA_DETECTORS)
    assert len(chosen(DETECTORS, DetectionSettings())) == len(DETECTORS)


def test_order_and_repetition_in_the_setting_do_not_matter() -> None:
    names = [bank.name for bank in chosen(DETECTORS, settings("isolation-forest", *EXTRA_DETECTORS))]
    assert names == [bank.name for bank in chosen(DETECTORS, settings(*EXTRA_DETECTORS))]


def test_without_extra_detectors_the_others_run() -> None:
    assert [bank.name for bank in chosen(DETECTORS, settings())] == ["error-rate"]
    assert {channel.name for channel in Ensemble(settings()).channels}.isdisjoint(EXTRA_DETECTORS)
    found = scorer()
    assert [event.data.change for event in found.score(executions(400)).model_events] == ["warming", "ready"]
    assert found.score([Execution("shop", "GET /", 400.0, 60_000.0)]).anomalies


def test_an_unknown_name_fails_at_the_start_with_the_legal_ones() -> None:
    with pytest.raises(ConfigurationError) as refused:
        scorer("isolation-forest", "local-outlier-factor")
    assert str(refused.value) == (
        "The setting 'extra_detectors' must name only half-space-trees, isolation-forest. "
        "Got 'local-outlier-factor' instead."
    )


@pytest.mark.parametrize("before", [(), ("isolation-forest",), tuple(EXTRA_DETECTORS)])
@pytest.mark.parametrize("after", [(), ("half-space-trees",), tuple(EXTRA_DETECTORS)])
@pytest.mark.parametrize("learned", [230, 600], ids=["refit under way", "refitted"])
def test_a_snapshot_outlives_a_changed_list(before: tuple[str, ...], after: tuple[str, ...], learned: int) -> None:
    first, second = scorer(*before), scorer(*after)
    first.score(executions(learned))
    assert second.restore(first.snapshot(SHOP)) == SHOP
    changes = [event.data.change for event in second.score(executions(300, learned)).model_events]
    assert "warming" not in changes
    assert second.score([Execution("shop", "GET /", learned + 300.0, 60_000.0)]).anomalies


def test_each_channel_keeps_what_it_learned() -> None:
    full, fewer = Ensemble(settings(*EXTRA_DETECTORS)), Ensemble(settings())
    for ensemble in (full, fewer):
        ensemble.open_application(0, 1)
    state = ensemble_state.snapshot_application(full, 0)
    for name in PER_CHANNEL:
        rows = state["calibration"][name]
        rows[...] = [[row] * (rows[0].size) for row in range(len(rows))] if rows.ndim > 1 else range(len(rows))
    ensemble_state.restore_application(fewer, 0, state)
    places = [full.channel(channel.name) for channel in fewer.channels]
    kept = ensemble_state.snapshot_application(fewer, 0)["calibration"]
    for name in PER_CHANNEL:
        assert kept[name].reshape(len(places), -1)[:, 0].tolist() == places
