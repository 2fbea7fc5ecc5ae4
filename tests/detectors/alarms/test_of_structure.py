"""How an unusual structure is told: its kind, the part it names, and the sentence."""

import random
from dataclasses import dataclass

import numpy as np
import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import Anomaly
from tracehound.schemas.execution import Execution, Segment

LENGTH = 4_000
SETTINGS = DetectionSettings()


@dataclass
class Shop:
    """Executions of one operation, with a query and a call that is never missing."""

    generator: random.Random
    number: int = 0

    def cart(self, query_ms: float = 0.0, call: bool = True) -> Execution:
        self.number += 1
        query = Segment("SELECT cart", query_ms or self.generator.lognormvariate(1.0, 0.2), peer="cart-db")
        stock = Segment("GET /stock/7", self.generator.lognormvariate(2.0, 0.2), peer="stock")
        segments = [query, stock] if call else [query]
        duration_ms = sum(segment.duration_ms for segment in segments) + self.generator.lognormvariate(2.0, 0.2)
        return Execution("shop", "GET /cart", float(self.number), duration_ms, segments=segments)


@pytest.fixture(scope="module")
def learned() -> tuple[Shop, bytes]:
    shop, scorer = Shop(random.Random(1)), Scorer(SETTINGS, InlineFitter())
    scorer.score([shop.cart() for _ in range(LENGTH)])
    return shop, scorer.snapshot(("shop", ""))


def told(snapshot: bytes, executions: list[Execution], model: str = "structure") -> list[Anomaly]:
    scorer = Scorer(SETTINGS, InlineFitter())
    scorer.restore(snapshot)
    found = [event.data for _, event in scorer.score(executions).anomalies]
    return [anomaly for anomaly in found if anomaly.model.name == model]


def test_a_call_that_is_missing_is_named_by_the_service_that_was_not_called(learned: tuple[Shop, bytes]) -> None:
    shop, snapshot = learned
    first = told(snapshot, [shop.cart(call=False) for _ in range(20)])[0]
    assert (first.kind, first.signal, first.unit) == ("structure", "structure_missing", "segments")
    assert first.contributions == {"calls to stock": 1.0}
    assert first.reason == "GET /cart had no segment 'GET /stock/{id} [stock]', typically 1."


def test_a_slow_segment_of_one_execution_is_a_latency(learned: tuple[Shop, bytes]) -> None:
    shop, snapshot = learned
    slow = told(snapshot, [shop.cart(query_ms=1_000.0)])
    assert [(one.kind, one.signal, one.severity) for one in slow] == [("latency", "segment_ms", "minor")]
    assert next(iter(slow[0].contributions)) == "calls to cart-db"
    assert sum(slow[0].contributions.values()) == pytest.approx(1.0)
    assert slow[0].actual == 1_000.0
    assert slow[0].reason.startswith("GET /cart spent 1000 ms in 'SELECT cart [cart-db]', typically 2.")
    assert np.isfinite(slow[0].sigma)
