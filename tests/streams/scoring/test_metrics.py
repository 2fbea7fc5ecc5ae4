"""Metrics: what is counted of anomalies and models, and that labels of applications stay under their cap."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tracehound.schemas.execution import Execution
from tracehound.schemas.model_event import ModelChange, ModelEvent, ModelEventKind, TrainingCost
from tracehound.streams.scoring.application_labels import OTHER_APPLICATIONS
from tracehound.streams.scoring.metrics import Metrics, StateCollector
from tracehound.streams.scoring.report_progress import Tally
from tracehound.streams.worker.exposition import exposition


def change(kind: ModelEventKind, cost: TrainingCost | None = None) -> ModelEvent:
    data = ModelChange("shop", "", "GET /", "any", kind, 1, 0, "It changed.", cost)
    return ModelEvent("1", "/tracehound/shop", "type", "GET /", "1970-01-01T00:00:00.000Z", data)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def test_anomalies_are_counted_with_score_and_confidence(metrics: Metrics, fake_scorer: Any) -> None:
    slow = [Execution("shop", "GET /", float(i), 20_000.0) for i in range(3)]
    metrics.count_anomalies([anomaly for _, anomaly in fake_scorer.score(slow).anomalies])
    value = metrics.registry.get_sample_value
    assert value("tracehound_anomalies_total", {"kind": "outlier", "severity": "minor"}) == 3
    assert value("tracehound_anomaly_score_sum", {"kind": "outlier"}) == 27.0
    assert value("tracehound_anomaly_confidence_bucket", {"le": "0.99"}) == 0
    assert value("tracehound_anomaly_confidence_count") == 3


def test_the_trace_of_an_anomaly_stands_beside_what_is_counted_of_it(metrics: Metrics, fake_scorer: Any) -> None:
    named = Execution("shop", "GET /", 1.0, 20_000.0, trace_id="4bf92f3577b34da6a3ce929d0e0e4736")
    hostile = Execution("shop", "POST /", 2.0, 20_000.0, trace_id='"' * 300)
    metrics.count_anomalies(one for _, one in fake_scorer.score([named, hostile]).anomalies)
    body, media_type = exposition(metrics.registry, "application/openmetrics-text;version=1.0.0,*/*;q=0.1")
    shown = {
        sample.name: sample.exemplar.labels
        for family in text_string_to_metric_families(body.decode())  # type: ignore[no-untyped-call]  # it has no types
        for sample in family.samples
        if sample.exemplar is not None
    }
    counted = ("application_anomalies_total", "anomalies_total", "anomaly_score_bucket", "anomaly_confidence_bucket")
    assert media_type.startswith("application/openmetrics-text; version=1.0.0")
    assert shown == {f"tracehound_{name}": {"trace_id": named.trace_id} for name in counted}
    plain, media_type = exposition(metrics.registry, "text/plain")
    assert (b"trace_id" in plain, media_type.split(";")[0]) == (False, "text/plain")


def test_each_application_is_counted_by_itself_and_those_beyond_the_cap_together(fake_scorer: Any) -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry, labelled_applications=2)
    for newest_s in (20.0, 10.0):
        for name in ("a", "b", "c", "d"):
            metrics.of_applications.count_scored({(name, "test"): Tally(newest_s, executions=5, errors=1)})
    metrics.count_anomalies(one for _, one in fake_scorer.score([Execution("c", "GET /", 1.0, 20_000.0)]).anomalies)

    def value(name: str, application: str, environment: str = "test", **more: str) -> float | None:
        labels = {"application": application, "environment": environment, **more}
        return registry.get_sample_value(f"tracehound_application_{name}", labels)

    assert value("executions_total", "a") == 10
    assert value("errors_total", "b") == 2
    assert value("newest_execution_timestamp_seconds", "a") == 20.0
    assert value("executions_total", "c") is None
    assert value("executions_total", OTHER_APPLICATIONS, "") == 20
    assert value("anomalies_total", OTHER_APPLICATIONS, "", severity="minor") == 1
    assert value("anomalies_total", "a", severity="critical") == 0


def test_model_changes_are_counted_and_what_refits_took(metrics: Metrics) -> None:
    cost = TrainingCost(cpu_s=0.25, wall_s=0.3, samples=100, model_bytes=1_000)
    metrics.count_model_changes([change("warming"), change("drift"), change("drift"), change("training_failed")])
    metrics.count_model_changes([change("trained", cost), change("trained", cost)])
    value = metrics.registry.get_sample_value
    assert value("tracehound_model_changes_total", {"change": "warming"}) == 1
    assert value("tracehound_drift_events_total") == 2
    assert value("tracehound_refits_total", {"result": "trained"}) == 2
    assert value("tracehound_refits_total", {"result": "failed"}) == 1
    assert value("tracehound_refit_cpu_seconds_total") == 0.5
    assert value("tracehound_refit_seconds_total") == 0.6


Indexes = Mapping[tuple[str, str], float]


@pytest.fixture
def psi() -> Callable[[list[Indexes], int], dict[tuple[str, str], float]]:
    """What is shown after the given indexes were asked for, one after the other."""

    def shown(asked: list[Indexes], limit: int) -> dict[tuple[str, str], float]:
        registry, coming = CollectorRegistry(), iter(asked)
        registry.register(StateCollector(dict, dict, dict, lambda: next(coming), limit))
        for _ in asked:
            families = list(registry.collect())
        [family] = [family for family in families if family.name == "tracehound_psi"]
        return {(s.labels["application"], s.labels["environment"]): s.value for s in family.samples}

    return shown


def test_the_drift_of_each_application_is_shown(psi: Any) -> None:
    assert psi([{("shop", ""): 0.1, ("shop", "test"): 0.4}], 10) == {("shop", ""): 0.1, ("shop", "test"): 0.4}
    assert psi([{}], 10) == {}


def test_applications_beyond_the_cap_share_a_label_that_shows_the_largest_and_the_first_keep_theirs(psi: Any) -> None:
    first: Indexes = {("a", ""): 0.1, ("b", ""): 0.2}
    later: Indexes = {("d", ""): 0.9, ("c", ""): 0.3, ("b", ""): 0.2}
    assert psi([first, later], 2) == {("b", ""): 0.2, (OTHER_APPLICATIONS, ""): 0.9}
