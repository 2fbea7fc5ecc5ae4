"""The detector of docs/adding-a-detector.md works as the page says."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from detectors import ensemble, registry
from detectors.bank import Bank
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


def test_one_line_puts_it_into_the_scorer(documented: type[Bank], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensemble, "DETECTORS", (*registry.DETECTORS, lambda _: documented()))
    scorer = Scorer(DetectionSettings(), InlineFitter())
    scorer.score([Execution("shop", "GET /", float(i), 100.0 + i % 9) for i in range(400)])
    restored = Scorer(DetectionSettings(), InlineFitter())
    restored.restore(scorer.snapshot(("shop", "")))
    assert restored.snapshot(("shop", "")) == scorer.snapshot(("shop", ""))
