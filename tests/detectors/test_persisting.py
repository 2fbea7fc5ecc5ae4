"""An outage does not become normal: a fault of two hours, through the whole core."""

import random
from collections import Counter

import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution, Segment, epoch_seconds
from tracehound.schemas.model_event import ModelEvent

HISTORY_S, FAULT_S, AFTER_S, STEP_S = 1_800, 7_200, 900, 0.5
DELAY_MS = 400.0


def executions(since_s: int, until_s: int, *, slow: bool, version: str = "1") -> list[Execution]:
    random_ms = random.Random(since_s)
    found = []
    for number in range(int((until_s - since_s) / STEP_S)):
        remote_ms = random_ms.lognormvariate(3.0, 0.3)
        gap_ms = random_ms.lognormvariate(1.0, 0.3) + (DELAY_MS if slow else 0.0)
        call = Segment("GET /stock", remote_ms + gap_ms, "http", 5.0, peer="stock", remote_ms=remote_ms)
        own_ms = random_ms.lognormvariate(2.3, 0.2)
        at_s = since_s + number * STEP_S
        found.append(
            Execution("shop", "GET /cart", at_s, own_ms + remote_ms + gap_ms, version=version, segments=[call])
        )
    return found


@pytest.fixture
def scorer() -> Scorer:
    made = Scorer(DetectionSettings(), InlineFitter())
    made.score(executions(0, HISTORY_S, slow=False))
    return made


def score(scorer: Scorer, given: list[Execution]) -> tuple[list[bool], list[AnomalyEvent], list[ModelEvent]]:
    """Whether each execution alarms, what was published, and what was said of the models."""
    alarms: list[bool] = []
    anomalies: list[AnomalyEvent] = []
    events: list[ModelEvent] = []
    for first in range(0, len(given), scorer.chunk):
        batch = scorer.score(given[first : first + scorer.chunk])
        alarms += [severity is not None for severity in batch.severity]
        anomalies += [anomaly for _, anomaly in batch.anomalies]
        events += batch.model_events
    return alarms, anomalies, events


def test_a_fault_of_two_hours_stays_one(scorer: Scorer) -> None:
    alarms, anomalies, _ = score(scorer, executions(HISTORY_S, HISTORY_S + FAULT_S, slow=True))
    assert alarms[10:].count(False) == 0
    latest = max(epoch_seconds(anomaly.time) for anomaly in anomalies if anomaly.data.signal == "call_gap_ms")
    assert latest > HISTORY_S + FAULT_S - 3_600
    [end] = [anomaly.data for anomaly in anomalies if epoch_seconds(anomaly.time) == latest][:1]
    assert end.typical < 10.0 < DELAY_MS < end.actual
    end_s = HISTORY_S + FAULT_S
    alarms, _, _ = score(scorer, executions(end_s, end_s + AFTER_S, slow=False))
    assert sum(alarms[60:]) == 0
    alarms, _, _ = score(scorer, executions(end_s + AFTER_S, end_s + AFTER_S + 60, slow=True))
    assert alarms[10:].count(False) == 0, "the fault must not have become normal behind its end"


def test_a_lasting_fault_is_told_ever_more_rarely(scorer: Scorer) -> None:
    _, anomalies, _ = score(scorer, executions(HISTORY_S, HISTORY_S + FAULT_S, slow=True))
    told = Counter(anomaly.data.signal for anomaly in anomalies)
    assert 3 <= told["call_gap_ms"] <= 10


def test_a_new_version_makes_its_latency_the_new_normal_and_says_so(scorer: Scorer) -> None:
    released = executions(HISTORY_S, HISTORY_S + 1_200, slow=True, version="2")
    alarms, _, events = score(scorer, released)
    assert any(alarms[: int(DetectionSettings().release_patience_s / STEP_S)])
    assert sum(alarms[-1_200:]) == 0
    said = [event.data.change for event in events]
    assert said.count("release") == 1
    assert "new_normal" in said
