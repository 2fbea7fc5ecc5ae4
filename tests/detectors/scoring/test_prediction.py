"""Predictions say what the scorer would say, and it learns nothing of them."""

from concurrent.futures import Future
from typing import Any

import pytest

from tests.detectors.scoring.shop import SETTINGS, changed, scorer, slowed, warmed, workload
from tracehound.detectors.scoring.prediction import Predictor
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import Execution, ExecutionFailure

SHOP = ("shop", "")


def faulty(start: int = 1_000) -> list[Execution]:
    """Usual executions, then one far out, one that fails anew, then many that are slower."""
    coming = workload("shop", 400, seed=2, start=float(start))
    coming[20:21] = slowed(coming[20:21], 30_000.0)
    coming[60:61] = changed(coming[60:61], status="error", error=ExecutionFailure("Unheard", "of"))
    coming[120:] = slowed(coming[120:], 120.0)
    return coming


def test_it_says_what_the_scorer_says_of_the_same_executions() -> None:
    real, coming = warmed(), faulty()[:300]
    model, predictions = Predictor(SETTINGS).predict(SHOP, real.snapshot(SHOP), coming)
    said = real.score(coming)
    told = [(index, anomaly) for index, one in enumerate(predictions) for anomaly in one.anomalies]
    assert len(told) >= 2
    assert told == said.anomalies
    assert [one.severity for one in predictions] == said.severity
    assert [one.score for one in predictions] == [round(float(score), 3) for score in said.score]
    assert {one.prediction for one in predictions} == {"normal", "anomalous"}
    assert (model.learned, model.warming, model.trained_at is not None) == (1_000, False, True)
    assert all(0.9 < one.confidence < 1.0 and one.learned == 500 for one in predictions)


def test_nothing_is_learned_of_it_and_later_alarms_are_the_same() -> None:
    asked, unasked, predictor = warmed(), warmed(), Predictor(SETTINGS)
    coming = faulty()
    for begin in range(0, len(coming), 80):
        before = asked.snapshot(SHOP)
        predictor.predict(SHOP, before, faulty(start=begin + 1_000))
        predictor.predict(SHOP, before, workload("shop", 100, seed=begin, start=2e9))
        assert asked.snapshot(SHOP) == before
        told = asked.score(coming[begin : begin + 80]).anomalies
        assert told == unasked.score(coming[begin : begin + 80]).anomalies
    assert asked.snapshot(SHOP) == unasked.snapshot(SHOP)


def test_one_says_nothing_of_the_next() -> None:
    state, other = warmed().snapshot(SHOP), scorer()
    other.score(workload("other", 40))
    predictor = Predictor(SETTINGS)
    once = predictor.predict(SHOP, state, faulty())
    predictor.predict(("other", ""), other.snapshot(("other", "")), workload("other", 9, start=50.0))
    with pytest.raises(SnapshotError):
        predictor.predict(SHOP, state[:-9], faulty())
    with pytest.raises(SnapshotError):
        predictor.predict(("other", ""), state, faulty())
    assert predictor.predict(SHOP, state, faulty()) == once


def test_of_an_unknown_application_it_is_said_that_its_models_are_warming_up() -> None:
    model, predictions = Predictor(SETTINGS).predict(("new", ""), None, workload("new", 3))
    assert (model.learned, model.warming) == (0, True)
    assert [(one.prediction, one.confidence, one.anomalies) for one in predictions] == [("warming", 0.0, [])] * 3


class Waiting:
    """Fits that never end, and are counted."""

    def __init__(self) -> None:
        self.submitted = 0

    def submit(self, *_: Any) -> "Future[Any]":
        self.submitted += 1
        return Future()

    def close(self) -> None:
        """Nothing to end."""


def test_a_refit_under_way_is_neither_waited_for_nor_started_again() -> None:
    fitter = Waiting()
    real = Scorer(SETTINGS, fitter)
    usual, until = workload("shop", 400), 0
    while not fitter.submitted:
        real.score(usual[until : until + 1])
        until += 1
    state, started = real.snapshot(SHOP), fitter.submitted
    _, predictions = Predictor(SETTINGS).predict(SHOP, state, workload("shop", 300, start=float(until)))
    assert len(predictions) == 300
    assert (fitter.submitted, real.snapshot(SHOP)) == (started, state)
