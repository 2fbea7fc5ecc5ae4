from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.scripts.recorded.offline import Outputs, ScoreLine, score_traces
from tracehound.scripts.recorded.traces import FaultWindow, RecordedTrace


class DurationScorer:
    """Scores an execution with its duration, alarms from 5 on, and publishes an anomaly from 9 on."""

    chunk = 3

    def __init__(self, make_anomaly: Callable[..., AnomalyEvent]) -> None:
        self.calls: list[int] = []
        self._make_anomaly = make_anomaly

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        self.calls.append(len(executions))
        scores = np.array([execution.duration_ms for execution in executions])
        return ScoredBatch(
            scores,
            ["minor" if score >= 5 else None for score in scores],
            scores < 1,
            [
                (index, self._make_anomaly(execution.application, "latency", execution.started_s))
                for index, execution in enumerate(executions)
                if execution.duration_ms >= 9
            ],
            [],
        )

    def now_s(self, application: ApplicationKey) -> float | None:
        return None

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        raise AssertionError("nobody knows the time")


def trace(number: int, *durations: float, application: str = "cart") -> RecordedTrace:
    executions = [Execution(application, "GET /", 100.0 * number, duration, f"t{number}") for duration in durations]
    return RecordedTrace(f"t{number}", 100.0 * number, executions)


TRACES = [trace(1, 0.5, 6.0), trace(2, 9.0, 2.0, 3.0), trace(3), trace(4, 1.0, application="orders")]


def test_a_trace_scores_as_its_worst_execution(make_anomaly: Callable[..., AnomalyEvent]) -> None:
    kept = score_traces(TRACES, DurationScorer(make_anomaly))

    assert kept.score == [6.0, 9.0, 0.0, 1.0]
    assert kept.alarm == [True, True, False, False]
    assert (kept.executions, kept.warming) == (6, 1)
    assert kept.started_s == [100.0, 200.0, 300.0, 400.0]


def test_executions_are_scored_in_order_in_calls_of_the_scorers_chunk(
    make_anomaly: Callable[..., AnomalyEvent],
) -> None:
    scorer, lines = DurationScorer(make_anomaly), list[ScoreLine]()

    score_traces(TRACES, scorer, outputs=Outputs(score=lines.append), silence_interval_s=1_000.0)

    assert scorer.calls == [3, 3]
    assert [line.score for line in lines] == [0.5, 6.0, 9.0, 2.0, 3.0, 1.0]
    assert [line.trace_id for line in lines] == ["t1", "t1", "t2", "t2", "t2", "t4"]
    assert [line.severity for line in lines] == [None, "minor", "minor", None, None, None]
    assert [line.warming for line in lines] == [True, False, False, False, False, False]


def test_anomalies_are_kept_and_written(make_anomaly: Callable[..., AnomalyEvent]) -> None:
    written: list[AnomalyEvent] = []

    kept = score_traces(TRACES, DurationScorer(make_anomaly), outputs=Outputs(anomaly=written.append))

    assert [found.data.application for found in kept.anomalies] == ["cart"]
    assert written == kept.anomalies


def test_traces_are_labelled_by_the_windows(make_anomaly: Callable[..., AnomalyEvent]) -> None:
    kept = score_traces(TRACES, DurationScorer(make_anomaly), [FaultWindow(350.0, "orders", "cpu")])

    assert kept.window_label == [0, 0, -1, 1]


def test_alarms_of_windows_are_those_of_their_own_traces(make_anomaly: Callable[..., AnomalyEvent]) -> None:
    kept = score_traces(TRACES, DurationScorer(make_anomaly), [FaultWindow(150.0, "cart", "cpu")])

    assert kept.window_label == [-1, 1, -1, -1]
    assert kept.alarm == [True, True, False, False]
    assert kept.window_alarms_s() == [200.0]
    assert kept.applications == {"cart", "orders"}
