"""The detector of docs/adding-a-detector.md works as the page says."""

import re
import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest

from tests.checkout import PROJECT
from tests.detectors.damage import changes
from tracehound.detectors.bank import Bank, Floats, Slots
from tracehound.detectors.ensemble import ensemble, registry
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution

PAGE = PROJECT / "docs" / "adding-a-detector.md"


@pytest.fixture
def documented() -> Iterator[type[Bank]]:
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    module = ModuleType("detectors.distance")
    sys.modules[module.__name__] = module
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    yield module.DistanceFromAverage
    del sys.modules[module.__name__]


def test_it_refuses_or_takes_over_what_a_changed_state_says(documented: type[Bank]) -> None:
    bank = documented()
    bank.open(0, 1)
    rows = np.random.default_rng(0).uniform(0.3, 0.7, (200, len(bank.columns)))
    bank.learn_many(np.zeros(200, np.int64), rows, np.arange(200.0))
    refused = 0
    for path, change, damaged in changes(bank.snapshot(0)):
        try:
            bank.restore(0, damaged)
        except ValueError:
            refused += 1
            continue
        assert np.isfinite(bank.score_many(np.zeros(200, np.int64), rows)).all(), (path, change)
    assert refused


def test_it_keeps_a_fault_apart_from_normal_rows(documented: type[Bank]) -> None:
    bank = documented()
    bank.open(0, 1)
    rows = np.random.default_rng(0).uniform(0.3, 0.7, (500, len(bank.columns)))
    bank.learn_many(np.zeros(500, np.int64), rows, np.arange(500.0))
    usual = bank.score_many(np.zeros(500, np.int64), rows)
    strange = bank.score_many(np.zeros(1, np.int64), np.full((1, len(bank.columns)), 0.999))
    assert strange[0] > usual.max()


def normal(rows: int) -> list[Execution]:
    return [Execution("shop", "GET /", float(i), 100.0 + i % 9) for i in range(rows)]


@pytest.mark.parametrize("budget", [0.01, 100.0])
def test_a_calibrated_detector_alarms_at_its_score_whatever_the_budget(
    documented: type[Bank], monkeypatch: pytest.MonkeyPatch, budget: float
) -> None:
    settings = DetectionSettings(alarm_budget=budget)

    class Certain(documented):  # type: ignore[misc,valid-type] # the class comes from the page
        name = "certain"
        calibrated = True
        says = settings.tail_score

        def score_many(self, slots: Slots, values: Floats) -> Floats:
            return np.where(self.warming(slots), 0.0, self.says)

    class Unsure(Certain):
        name = "unsure"
        says = 2.9

    monkeypatch.setattr(ensemble, "DETECTORS", (lambda _: Certain(), lambda _: Unsure()))
    found = Scorer(settings, InlineFitter()).score(normal(400)).anomalies
    assert [(event.data.kind, event.data.signal) for _, event in found[:1]] == [("outlier", "certain")]
    assert {event.data.signal for _, event in found} == {"certain"}


def test_an_uncalibrated_detector_alarms_by_its_own_past(
    documented: type[Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its scores are about a thousand all the time, so only what stands out from them counts."""

    class Odd(documented):  # type: ignore[misc,valid-type] # the class comes from the page
        name = "odd"
        columns = ("memory_peak_mb", "rank.self_ms", "rank.local_ms", "rank.call_gap_ms", "rank.call_ms", "novelty")

        def score_many(self, slots: Slots, values: Floats) -> Floats:
            ranks = np.nan_to_num(values[:, 1:], nan=0.5).sum(axis=1)
            return np.where(self.warming(slots), 0.0, 1_000.0 + ranks + 1e5 * np.nan_to_num(values[:, 0]))

    monkeypatch.setattr(ensemble, "DETECTORS", (lambda _: Odd(),))
    scorer = Scorer(DetectionSettings(), InlineFitter())
    assert scorer.score(normal(2_000)).anomalies == []
    odd = [Execution("shop", "GET /", 2_000.0 + i, 100.0 + i % 9, memory_peak_mb=5.0) for i in range(60)]
    found = [event.data for _, event in scorer.score(odd).anomalies if event.data.signal == "odd"]
    assert found
    assert found[0].sigma >= DetectionSettings().outlier_sigma
    assert sum(found[0].contributions.values()) == pytest.approx(1.0)


def test_every_column_that_the_page_names_is_given(documented: type[Bank], monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = next(line for line in PAGE.read_text().splitlines() if line.startswith("- **Columns**"))
    named = [name for name in re.findall(r"`([^`]+)`", sentence) if name.isidentifier() or name.startswith("rank.")]
    assert len(named) >= 8

    class Everything(documented):  # type: ignore[misc,valid-type] # the class comes from the page
        name = "everything"
        columns = tuple(named)

    monkeypatch.setattr(ensemble, "DETECTORS", (lambda _: Everything(),))
    scored = Scorer(DetectionSettings(), InlineFitter()).score(normal(300))
    assert np.isfinite(scored.score).all()


def test_one_line_puts_it_into_the_scorer(documented: type[Bank], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensemble, "DETECTORS", (*registry.DETECTORS, lambda _: documented()))
    scorer = Scorer(DetectionSettings(), InlineFitter())
    scorer.score(normal(400))
    restored = Scorer(DetectionSettings(), InlineFitter())
    restored.restore(scorer.snapshot(("shop", "")))
    assert restored.snapshot(("shop", "")) == scorer.snapshot(("shop", ""))
