import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.scripts.recorded.evaluation import (
    AlarmQuality,
    WindowSummary,
    all_windows_label,
    average_precision,
    best_f1,
    precision_recall,
    report_windows,
    summarize_windows,
)
from tracehound.scripts.recorded.traces import FaultWindow

MakeAnomaly = Callable[..., AnomalyEvent]

WINDOWS = [FaultWindow(1_000.0, "cart", "cpu"), FaultWindow(3_000.0, "orders", "delay", visible=False)]


def test_average_precision_is_the_area_under_the_steps() -> None:
    labels = np.array([False, True, True, False, True])
    scores = np.array([1.0, 5.0, 3.0, 4.0, 2.0])

    assert average_precision(labels, scores) == pytest.approx((1 / 1 + 2 / 3 + 3 / 4) / 3)


def test_equal_scores_are_one_step_whatever_their_order() -> None:
    scores = np.ones(4)

    assert average_precision(np.array([True, False, False, False]), scores) == 0.25
    assert average_precision(np.array([False, False, False, True]), scores) == 0.25


def test_average_precision_without_faults_is_not_a_number() -> None:
    assert math.isnan(average_precision(np.zeros(3, bool), np.arange(3.0)))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_average_precision_equals_the_plain_definition(pairs: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in pairs])
    scores = np.array([float(score) for _, score in pairs])
    if not labels.any():
        return
    area, recalled = 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        above = scores >= threshold
        recall = float(labels[above].sum() / labels.sum())
        area += (recall - recalled) * float(labels[above].mean())
        recalled = recall

    assert average_precision(labels, scores) == pytest.approx(area)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_best_f1_is_that_of_the_best_threshold(pairs: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in pairs])
    scores = np.array([float(score) for _, score in pairs])
    if not labels.any():
        assert math.isnan(best_f1(labels, scores))
        return

    assert best_f1(labels, scores) == pytest.approx(
        max(AlarmQuality.of(labels, scores >= threshold).f1 for threshold in scores.tolist())
    )


def test_precision_and_recall_have_one_point_per_score_highest_first() -> None:
    precision, recall = precision_recall(np.array([False, True, True]), np.array([2.0, 3.0, 2.0]))

    assert precision.tolist() == [1.0, pytest.approx(2 / 3)]
    assert recall.tolist() == [0.5, 1.0]


def test_alarm_quality_counts_and_divides() -> None:
    quality = AlarmQuality.of(np.array([True, True, False, False, False]), np.array([True, False, True, False, False]))

    assert (quality.precision, quality.recall, quality.f1) == (0.5, 0.5, 0.5)
    assert quality.false_positive_rate == pytest.approx(1 / 3)
    assert math.isnan(AlarmQuality(0, 0, 0, 3).precision)


@pytest.mark.parametrize(
    ("started_s", "services", "label"),
    [
        (939.9, {"cart"}, 0),
        (940.0, {"cart"}, -1),
        (1_000.0, {"cart", "gateway"}, 1),
        (1_179.9, {"cart"}, 1),
        (1_000.0, {"gateway"}, -1),
        (1_180.0, {"cart"}, -1),
        (1_419.9, {"cart"}, -1),
        (1_420.0, {"cart"}, 0),
        (3_100.0, {"orders"}, 1),
    ],
)
def test_labels_by_the_windows_alone(started_s: float, services: set[str], label: int) -> None:
    assert all_windows_label(started_s, services, WINDOWS) == label


def test_anomalies_belong_to_windows_margins_warm_up_or_are_false(make_anomaly: MakeAnomaly) -> None:
    times = {"warm-up": 100.0, "before": 950.0, "in": 1_012.0, "later in": 1_050.0, "after": 1_200.0, "false": 1_500.0}
    anomalies = [make_anomaly("cart", "latency", at_s, id=name) for name, at_s in times.items()]

    report = report_windows(WINDOWS, anomalies, [1_001.0, 1_002.0, 1_500.0], warm_until_s=500.0, end_s=2_000.0)
    first, second = report.outcomes

    def ids(found: list[AnomalyEvent]) -> list[str]:
        return [one.id for one in found]

    assert ids(first.anomalies) == ["in", "later in"]
    assert (first.delay_s, first.at_service, first.alarming_traces) == (12.0, 2, 2)
    assert (ids(report.in_margins), ids(report.false_alarms)) == (["before", "after"], ["false"])
    assert ids(report.in_warm_up) == ["warm-up"]
    assert (first.judged, second.judged) == (True, False)
    assert second.delay_s is None


def test_an_anomaly_elsewhere_is_in_the_window_but_not_at_the_service(make_anomaly: MakeAnomaly) -> None:
    report = report_windows(WINDOWS, [make_anomaly("gateway", "errors", 3_001.0)], [])

    assert len(report.outcomes[1].anomalies) == 1
    assert report.outcomes[1].at_service == 0
    assert report.outcomes[1].delay_s == 1.0


def test_a_window_is_detected_by_three_traces_and_its_delay_is_that_of_the_first() -> None:
    report = report_windows(WINDOWS, [], [1_030.0, 1_020.0, 1_100.0, 3_010.0, 3_020.0])
    first, second = report.outcomes

    assert (first.detected, first.trace_delay_s) == (True, 20.0)
    assert (second.alarming_traces, second.detected, second.trace_delay_s) == (2, False, None)
    assert summarize_windows(report.outcomes) == WindowSummary(windows=2, detected=1, median_delay_s=20.0)
    assert summarize_windows([second]) == WindowSummary(1, 0, None)


def test_windows_that_were_not_replayed_are_not_counted() -> None:
    report = report_windows(WINDOWS, [], [], end_s=2_000.0)

    assert summarize_windows(report.outcomes).windows == 1
