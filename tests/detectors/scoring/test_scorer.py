"""The scoring core: what it tells of faults, releases, readiness and silence, and its limits."""

import random
from concurrent.futures import Future
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.detectors.scoring.shop import SETTINGS, changed, events, scorer, slowed, warmed, workload
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.names import OTHER_OPERATIONS, OTHER_PEERS
from tracehound.schemas.execution import Execution, Segment


def test_normal_executions_lead_to_no_anomaly() -> None:
    found = scorer()
    assert events(found, workload("shop", 6_000)) == []
    assert found.statistics()["forests"] == 1


def test_a_warming_operation_never_alarms_and_says_so() -> None:
    scored = scorer().score(changed(workload("shop", 50), duration_ms=1e6))
    assert scored.warming.all()
    assert scored.anomalies == []
    assert scored.severity == [None] * 50
    assert [event.data.change for event in scored.model_events] == ["warming"]


def test_readiness_and_training_are_told_with_numbers() -> None:
    scored = scorer().score(workload("shop", 400))
    changes = [(event.data.change, event.data.operation) for event in scored.model_events]
    assert changes == [("warming", ""), ("ready", "GET /0"), ("ready", "GET /1"), ("trained", "")]
    trained = scored.model_events[-1].data
    assert trained.cost is not None
    assert 64 <= trained.cost.samples <= trained.learned - SETTINGS.warm_up_executions
    assert trained.cost.model_bytes > 0


def test_a_fault_of_two_hours_is_told_ever_more_rarely_and_does_not_become_normal() -> None:
    found = warmed()
    told = events(found, slowed(workload("shop", 7_200, seed=2, start=1_000), 300.0))
    latency = [event.data for event in told if event.data.kind == "latency" and event.data.operation == "GET /0"]
    assert 4 <= len(latency) <= 12
    assert latency[-1].severity == "major"
    assert latency[-1].sigma > 8
    assert all(one.typical < 60 < 200 < one.actual for one in latency[1:])
    over = found.score(workload("shop", 2_000, seed=3, start=8_200))
    assert [event for row, event in over.anomalies if row > 100] == []
    assert [event.data.change for event in over.model_events if event.data.change == "new_normal"] == []


def test_an_outage_of_errors_for_two_hours_does_not_become_normal() -> None:
    found, draw = warmed(), random.Random(5)
    given = workload("shop", 7_200, seed=2, start=1_000)
    failing = [msgspec.structs.replace(one, status="error") if draw.random() < 0.5 else one for one in given]
    severities = found.score(failing).severity
    assert severities[100:].count(None) == 0
    assert set(severities[-600:]) <= {"major", "critical"}


def test_what_goes_on_is_known_although_it_is_not_told_again_and_so_is_who_was_called() -> None:
    found = scorer()
    normal = workload("shop", 600)
    assert found.score(normal).deviating == {}
    slow = slowed(workload("shop", 200, start=600.0), 2_000.0)
    first, second = found.score(slow[:100]), found.score(slow[100:])
    told = {anomaly.data.incident_key for _, anomaly in first.anomalies}
    assert second.anomalies == []
    assert told & second.deviating["shop", ""].keys(), "what was told goes on"
    assert max(second.deviating["shop", ""].values()) == slow[-1].started_s
    assert second.calls == {("shop", ""): {"stock": 100}}


def test_repeated_alarms_rest_and_come_back_after_the_rest() -> None:
    found = events(warmed(), slowed(workload("shop", 500, seed=2, start=1_000), 300.0))
    of_one = [event for event in found if event.data.operation == "GET /0"]
    times = [event.time for event in of_one if event.data.severity == of_one[-1].data.severity]
    assert 1 <= len(times) <= 3


def test_silence_is_judged_by_the_clock_told_once_and_changes_nothing() -> None:
    found = warmed(800)
    before = found.snapshot(("shop", ""))
    assert found.judge_silence(800.0, [("shop", "")]) == []
    [event] = found.judge_silence(1_100.0, [("shop", "")])
    assert (event.data.kind, event.data.severity) == ("traffic", "major")
    assert event.data.reason.startswith("shop has sent nothing for 301 s")
    assert found.judge_silence(1_200.0, [("shop", ""), ("unknown", "")]) == []
    restored = scorer()
    restored.restore(before)
    assert restored.judge_silence(1_150.0, [("shop", "")])[0].id == event.id


def test_environments_have_models_of_their_own() -> None:
    found = scorer()
    found.score(workload("shop", 100) + changed(workload("shop", 50), environment="test"))
    assert found.applications() == [("shop", ""), ("shop", "test")]


def test_operations_beyond_the_limit_share_one_model() -> None:
    found = scorer(DetectionSettings(operations_per_application=10))
    found.score([Execution("shop", f"GET /{i}", float(i), 10.0) for i in range(1_000)])
    assert found.statistics()["operations"] == 11
    slow = found.score([Execution("shop", "GET /new", 1_000.0 + i, 9_000.0) for i in range(20)])
    assert {event.data.operation for _, event in slow.anomalies} == {OTHER_OPERATIONS}


def test_peers_beyond_the_limit_share_one_model_that_is_named_so() -> None:
    found = scorer(DetectionSettings(peers_per_application=3))

    def calling(number: int, gap: float, start: float) -> Execution:
        call = Segment("GET /", 10.0 + gap, "http", 0.0, peer=f"peer-{number % 20}", remote_ms=10.0)
        return Execution("shop", "GET /", start, 20.0 + gap, segments=[call])

    draw = random.Random(1)
    found.score([calling(i, draw.lognormvariate(1, 0.2), float(i)) for i in range(2_000)])
    told = events(found, [calling(19, 500.0, 2_000.0 + i) for i in range(20)])
    latency = [event.data for event in told if event.data.signal == "call_gap_ms"]
    assert latency
    assert latency[0].contributions == {f"calls to {OTHER_PEERS}": 1.0}


def test_the_longest_idle_application_gives_way_and_that_is_told() -> None:
    found = scorer(DetectionSettings(applications_per_worker=2))
    for name in ("a", "b"):
        found.score(workload(name, 5))
    found.score(workload("a", 5, start=10))
    told = found.score(workload("c", 5)).model_events
    assert [event.data.change for event in told] == ["reset", "warming"]
    assert told[0].data.application == "b"
    assert sorted(found.applications()) == [("a", ""), ("c", "")]


class DelayedFitter:
    """Fits only when asked, like a slow pool."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Any, tuple[Any, ...]]] = []

    def submit(self, fit: Any, /, *arguments: Any) -> Future[Any]:
        self.waiting.append((Future(), fit, arguments))
        return self.waiting[-1][0]

    def run(self) -> None:
        for future, fit, arguments in self.waiting:
            future.set_result(fit(*arguments))
        self.waiting.clear()

    def close(self) -> None: ...


def test_the_fits_that_a_chunk_would_wait_for_are_known_beforehand() -> None:
    fitter = DelayedFitter()
    found, executions = Scorer(SETTINGS, fitter), workload("shop", 1_000)
    told = []
    for i in range(0, len(executions), found.chunk):
        chunk = executions[i : i + found.chunk]
        if found.fits_due(chunk):
            fitter.run()
        assert found.fits_due(chunk) == []
        told += [event.data.change for event in found.score(chunk).model_events]
    assert told.count("trained") >= 1
    assert found.snapshot(("shop", "")) == warmed().snapshot(("shop", ""))


class FailingFitter(InlineFitter):
    def submit(self, fit: Any, /, *arguments: Any) -> Future[Any]:
        return super().submit(lambda: 1 / 0)


def test_a_failed_fit_is_told_and_the_rest_goes_on() -> None:
    found = Scorer(SETTINGS, FailingFitter())
    told = [event.data.change for event in found.score(workload("shop", 1_000)).model_events]
    assert "training_failed" in told
    assert events(found, changed(workload("shop", 60, seed=2, start=1_000), duration_ms=5_000.0))


def test_giving_up_an_application_frees_its_slots() -> None:
    found = warmed(300)
    found.forget(("shop", ""))
    found.forget(("shop", ""))
    assert found.statistics()["operations"] == 0
    assert events(found, workload("shop", 300)) == []
    assert found.snapshot(("shop", "")) == warmed(300).snapshot(("shop", ""))


def test_a_burst_of_errors_that_is_over_is_not_told_again() -> None:
    found = warmed()
    failing = changed(workload("shop", 120, seed=2, start=1_000), status="error")
    assert events(found, failing)
    later = events(found, workload("shop", 2_000, seed=3, start=1_120))
    assert [event for event in later if event.data.kind == "errors"] == []


def test_a_new_deviation_after_a_quiet_minute_is_told_although_the_rest_is_not_over() -> None:
    found = warmed()

    def slow(seed: int, start: float) -> list[Execution]:
        return slowed(workload("shop", 40, seed=seed, start=start), 300.0)

    first = events(found, slow(2, 1_000))
    assert first
    assert events(found, workload("shop", 100, seed=3, start=1_040)) == []
    again = events(found, slow(4, 1_140))
    assert {event.data.operation for event in again} == {"GET /0", "GET /1"}


@pytest.mark.parametrize("huge", [1e13, 1e300])
def test_durations_of_any_size_leave_numbers_behind_that_can_be_restored(huge: float) -> None:
    """Single precision ends at 3e38: what is learned of a longer time would be infinite, and its state refused."""
    made = Scorer(DetectionSettings(), InlineFitter())
    segment = Segment("SELECT", huge, offset_ms=-huge, peer="db", remote_ms=huge)
    usual = [Execution("shop", "GET /", float(number), 10.0 + number % 7) for number in range(200)]
    odd = [
        Execution("shop", "GET /", 200.0 + number, huge, memory_peak_mb=huge, segments=[segment] * 3)
        for number in range(200)
    ]
    scored = made.score([*usual, *odd])
    assert np.isfinite(scored.score).all()
    again = Scorer(DetectionSettings(), InlineFitter())
    again.restore(made.snapshot(("shop", "")))
    assert again.snapshot(("shop", "")) == made.snapshot(("shop", ""))
