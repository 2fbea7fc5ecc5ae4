"""Alarms as anomalies: whom they name, what they are rounded to, and shares that sum to 1."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.alarms.anomaly import anomaly_of, confidence
from tracehound.detectors.application.models import ApplicationModels, OperationModels
from tracehound.detectors.application.subject import Subject
from tracehound.detectors.telling.alarm import Alarm, Explanation, shares
from tracehound.detectors.telling.deviation import Deviation
from tracehound.schemas.anomaly import Window
from tracehound.schemas.execution import Execution

ALARM = Alarm(
    kind="latency",
    severity="major",
    model="rank-ewma-chart",
    deviation=Deviation("self_ms", "ms", 12.345678, 98.765432, (10.000049, 15.0), score=7.123456, sigma=9.87654321),
    scope="GET /cart",
    key="GET /cart",
    explain=lambda: Explanation({"its own code": 1.0}, "GET /cart now spends 98.8 ms in its own code."),
)


def subject(trace_id: str = "t1", trained_s: float | None = None) -> Subject:
    application = ApplicationModels(("shop", "test"), 0, next_refit=0, next_stop=0, seen=900, trained_s=trained_s)
    execution = Execution("shop", "GET /cart", 5.0, 99.0, environment="test", version="7", trace_id=trace_id)
    return Subject(0, execution, application, OperationModels("GET /cart", 0, seen=50), 98.7, 800, 0.0)


def test_an_anomaly_of_an_operation_names_it_and_its_trace() -> None:
    found = anomaly_of(subject(), ALARM)
    assert (found.application, found.environment, found.operation, found.version) == ("shop", "test", "GET /cart", "7")
    assert found.incident_key == "shop/test/latency/GET /cart"
    assert found.exemplar_trace_ids == ["t1"]
    assert (found.score, found.sigma, found.typical, found.actual) == (7.123, 9.877, 12.3457, 98.7654)
    assert found.bounds == (10.0, 15.0)
    assert (found.model.learned, found.confidence) == (50, 0.5)
    assert found.window is None


def test_an_anomaly_of_an_application_counts_the_executions_up_to_this_one() -> None:
    window = Window("1970-01-01T00:00:00Z", "1970-01-01T00:00:30Z", 30)
    found = anomaly_of(subject(), replace(ALARM, scope=""), window)
    assert found.incident_key == "shop/test/latency"
    assert (found.operation, found.model.learned) == ("", 800)
    assert found.exemplar_trace_ids == []
    assert found.window == window


def test_only_a_model_that_is_trained_says_when() -> None:
    forest = replace(ALARM, model="isolation-forest")
    assert anomaly_of(subject(trained_s=3.0), ALARM).model.trained_at is None
    assert anomaly_of(subject(trained_s=3.0), forest).model.trained_at == "1970-01-01T00:00:03.000Z"
    assert anomaly_of(subject(), forest).model.trained_at is None


def test_an_execution_without_a_trace_is_no_exemplar() -> None:
    assert anomaly_of(subject(trace_id=""), ALARM).exemplar_trace_ids == []


@given(st.dictionaries(st.text(max_size=5), st.floats(0, 1e9), min_size=1, max_size=8))
def test_shares_sum_to_one_largest_first(weights: dict[str, float]) -> None:
    found = shares(weights)
    assert sum(found.values()) == pytest.approx(1.0)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found.keys() <= weights.keys()


def test_confidence_grows_with_what_was_learned() -> None:
    values = [confidence(learned) for learned in (0, 1, 10, 100, 10_000)]
    assert values == sorted(values)
    assert values[0] == 0.0
    assert values[-1] < 1.0
