"""The detector of docs/adding-a-detector.md works as the page says."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from detectors import ensemble, registry
from detectors.bank import Bank, Floats, Slots
from detectors.fitting import InlineFitter
from detectors.scoring import Scorer
from detectors.settings import DetectionSettings
from schemas.execution import Execution

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-detector.md"


@pytest.fixture
def documented() -> Iterator[type[Bank]]:
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    module = ModuleType("detectors.distance")
    sys.modules[module.__name__] = module
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    yield module.DistanceFromAverage
    del sys.modules[module.__name__]


def test_it_keeps_a_fault_apart_from_normal_rows(documented: type[Bank]) -> None:
    bank = documented()
    bank.open(0, 1)
    rows = np.random.default_rng(0).uniform(0.3, 0.7, (500, len(bank.columns)))
    bank.learn_many(np.zeros(500, np.int64), rows, np.arange(500.0))
    usual = bank.score_many(np.zeros(500, np.int64), rows)
    strange = bank.score_many(np.zeros(1, np.int64), np.full((1, len(bank.columns)), 0.999))
    assert strange[0] > usual.max()


def test_a_calibrated_detector_alarms_at_its_score(documented: type[Bank], monkeypatch: pytest.MonkeyPatch) -> None:
    class Certain(documented):  # type: ignore[misc,valid-type] # the class comes from the page
        name = "certain"
        calibrated = True

        def score_many(self, slots: Slots, values: Floats) -> Floats:
            return np.where(self.warming(slots), 0.0, 9.0)

    monkeypatch.setattr(ensemble, "DETECTORS", (lambda _: Certain(),))
    scorer = Scorer(DetectionSettings(), InlineFitter())
    found = scorer.score([Execution("shop", "GET /", float(i), 100.0 + i % 9) for i in range(400)]).anomalies
    assert [(event.data.kind, event.data.signal, event.data.score) for _, event in found[:1]] == [
        ("outlier", "certain", 9.0)
    ]


def test_one_line_puts_it_into_the_scorer(documented: type[Bank], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensemble, "DETECTORS", (*registry.DETECTORS, lambda _: documented()))
    scorer = Scorer(DetectionSettings(), InlineFitter())
    scorer.score([Execution("shop", "GET /", float(i), 100.0 + i % 9) for i in range(400)])
    restored = Scorer(DetectionSettings(), InlineFitter())
    restored.restore(scorer.snapshot(("shop", "")))
    assert restored.snapshot(("shop", "")) == scorer.snapshot(("shop", ""))
