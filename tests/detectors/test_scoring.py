"""The scoring core: what it finds, and that only the order of an application's executions matters."""

import random
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from detectors.application import OTHER_OPERATIONS
from detectors.fitting import InlineFitter, PoolFitter
from detectors.scoring import Scorer
from detectors.settings import DetectionSettings
from schemas.anomaly import AnomalyEvent
from schemas.errors import SnapshotError
from schemas.execution import Execution, ExecutionFailure, Segment

SETTINGS = DetectionSettings(first_refit=200, reservoir=300, refit_delay=64)


def workload(application: str, count: int, seed: int = 1, start: float = 0.0) -> list[Execution]:
    """Executions of two operations, one a second, with a call and a query each."""
    draw = random.Random(f"{application}{seed}")
    made = []
    for i in range(count):
        remote = draw.lognormvariate(3, 0.2)
        gap = draw.lognormvariate(1, 0.2)
        query = draw.lognormvariate(2, 0.2)
        own = draw.lognormvariate(3, 0.2)
        call = Segment("GET /stock", remote + gap, "http", own / 2, peer="stock", remote_ms=remote)
        segments = [call, Segment("SELECT", query, "db", own / 2 + remote + gap)]
        made.append(
            Execution(
                application,
                f"GET /{i % 2}",
                start + i,
                own + remote + gap + query,
                trace_id=f"{application}-{seed}-{i}",
                segments=segments,
                status="error" if draw.random() < 0.002 else "ok",
            )
        )
    return made


def slowed(executions: list[Execution], **changes: Any) -> list[Execution]:
    return [msgspec.structs.replace(execution, **changes) for execution in executions]


def scorer(settings: DetectionSettings = SETTINGS) -> Scorer:
    return Scorer(settings, InlineFitter())


def events(found: Scorer, executions: list[Execution], size: int = 10_000) -> list[AnomalyEvent]:
    batches = (executions[i : i + size] for i in range(0, len(executions), size))
    return [event for batch in batches for _, event in found.score(batch).anomalies]


def warmed(count: int = 1_000) -> Scorer:
    ready = scorer()
    ready.score(workload("shop", count))
    return ready


def test_normal_executions_lead_to_no_anomaly() -> None:
    found = scorer()
    assert events(found, workload("shop", 6_000)) == []
    assert found.statistics()["forests"] == 1


def test_a_slow_network_is_a_latency_anomaly_of_the_call_gap_that_names_the_peer() -> None:
    later = workload("shop", 60, seed=2, start=1_000)
    for execution in later:
        execution.segments[0].duration_ms += 80
        execution.segments[1].offset_ms = (execution.segments[1].offset_ms or 0) + 80
    delayed = [msgspec.structs.replace(execution, duration_ms=execution.duration_ms + 80) for execution in later]
    first = events(warmed(), delayed)[0].data
    assert (first.kind, first.signal) == ("latency", "call_gap_ms")
    assert first.contributions == {"calls to stock": 1.0}
    assert first.typical < 5 < 60 < first.actual
    assert "calls to stock" in first.reason


def test_slow_own_code_is_named() -> None:
    found = events(
        warmed(),
        [
            msgspec.structs.replace(execution, duration_ms=execution.duration_ms + 300)
            for execution in workload("shop", 60, seed=2, start=1_000)
        ],
    )
    assert {event.data.kind for event in found} == {"latency"}
    assert {event.data.severity for event in found} <= {"minor", "major"}
    assert found[0].data.contributions == {"its own code": 1.0}


def test_many_more_queries_are_a_structure_anomaly() -> None:
    later = workload("shop", 60, seed=2, start=1_000)
    for execution in later:
        execution.segments += [Segment("SELECT", 1.0, "db") for _ in range(40)]
    found = [event.data for event in events(warmed(), later) if event.data.kind == "structure"]
    assert found[0].contributions == {"SELECT": 1.0}
    assert "SELECT" in found[0].reason


def test_a_burst_of_errors_is_critical_and_names_the_error() -> None:
    failing = slowed(
        workload("shop", 60, seed=2, start=1_000), status="error", error=ExecutionFailure("TimeoutError", "late")
    )
    found = [event.data for event in events(warmed(), failing) if event.data.kind == "errors"]
    assert found[-1].severity == "critical"
    assert found[0].contributions == {"TimeoutError": 1.0}


def test_a_warming_operation_never_alarms_and_says_so() -> None:
    scored = scorer().score(slowed(workload("shop", 50), duration_ms=1e6))
    assert scored.warming.all()
    assert not scored.score.any()
    assert [event.data.change for event in scored.model_events] == ["warming"]


def test_readiness_and_training_are_told_with_numbers() -> None:
    scored = scorer().score(workload("shop", 400))
    changes = [(event.data.change, event.data.operation) for event in scored.model_events]
    assert changes == [("warming", ""), ("ready", "GET /0"), ("ready", "GET /1"), ("trained", "")]
    trained = scored.model_events[-1].data
    assert trained.cost is not None
    assert 64 <= trained.cost.samples <= trained.learned - SETTINGS.warm_up_executions
    assert trained.cost.model_bytes > 0


def faulty(application: str) -> list[Execution]:
    return (
        workload(application, 900)
        + [
            msgspec.structs.replace(execution, duration_ms=execution.duration_ms + 200)
            for execution in workload(application, 80, seed=3, start=900)
        ]
        + workload(application, 200, seed=4, start=980)
    )


@pytest.mark.parametrize("size", [1, 7, 64, 500])
def test_batch_boundaries_and_neighbours_change_nothing(size: int) -> None:
    alone, shared = scorer(), scorer()
    mine, others = faulty("shop"), faulty("other")
    mixed = [execution for pair in zip(mine, others, strict=True) for execution in pair]
    expected = events(alone, mine)
    found = [event for event in events(shared, mixed, size) if event.data.application == "shop"]
    assert expected
    assert found == expected
    assert shared.snapshot(("shop", "")) == alone.snapshot(("shop", ""))


@pytest.mark.parametrize("cut", [0, 30, 150, 240, 280, 930])
def test_a_restored_scorer_goes_on_as_if_nothing_had_happened(cut: int) -> None:
    executions = faulty("shop")
    whole, first, second = scorer(), scorer(), scorer()
    expected = events(whole, executions)
    before = events(first, executions[:cut])
    if cut:
        assert second.restore(first.snapshot(("shop", ""))) == ("shop", "")
    assert before + events(second, executions[cut:]) == expected
    assert second.snapshot(("shop", "")) == whole.snapshot(("shop", ""))


@pytest.mark.parametrize("damage", [b"", b"THS", b"nonsense" * 20])
def test_a_damaged_snapshot_is_refused_and_leaves_nothing(damage: bytes) -> None:
    found = scorer()
    with pytest.raises(SnapshotError):
        found.restore(damage)
    assert found.applications() == []


def test_every_flipped_byte_of_a_snapshot_is_noticed() -> None:
    snapshot = warmed(100).snapshot(("shop", ""))
    for position in range(0, len(snapshot), max(1, len(snapshot) // 200)):
        flipped = snapshot[:position] + bytes([snapshot[position] ^ 0x55]) + snapshot[position + 1 :]
        with pytest.raises(SnapshotError):
            scorer().restore(flipped)


def test_repeated_alarms_rest_and_come_back_after_the_rest() -> None:
    found = events(
        warmed(),
        [
            msgspec.structs.replace(execution, duration_ms=execution.duration_ms + 300)
            for execution in workload("shop", 500, seed=2, start=1_000)
        ],
    )
    of_one = [event for event in found if event.data.operation == "GET /0"]
    times = [event.time for event in of_one if event.data.severity == of_one[-1].data.severity]
    assert 1 <= len(times) <= 3


def test_silence_is_judged_by_the_clock_told_once_and_changes_nothing() -> None:
    found = warmed(300)
    before = found.snapshot(("shop", ""))
    assert found.judge_silence(300.0, [("shop", "")]) == []
    [event] = found.judge_silence(600.0, [("shop", "")])
    assert (event.data.kind, event.data.severity) == ("traffic", "major")
    assert event.data.reason.startswith("shop has sent nothing for 301 s")
    assert found.judge_silence(700.0, [("shop", ""), ("unknown", "")]) == []
    restored = scorer()
    restored.restore(before)
    assert restored.judge_silence(650.0, [("shop", "")])[0].id == event.id


def test_environments_have_models_of_their_own() -> None:
    found = scorer()
    found.score(workload("shop", 100) + slowed(workload("shop", 50), environment="test"))
    assert found.applications() == [("shop", ""), ("shop", "test")]


def test_operations_beyond_the_limit_share_one_model() -> None:
    found = scorer(DetectionSettings(operations_per_application=10))
    found.score([Execution("shop", f"GET /{i}", float(i), 10.0) for i in range(1_000)])
    assert found.statistics()["operations"] == 11
    slow = found.score([Execution("shop", "GET /new", 1_000.0 + i, 9_000.0) for i in range(20)])
    assert {event.data.operation for _, event in slow.anomalies} == {OTHER_OPERATIONS}


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
    assert events(found, slowed(workload("shop", 60, seed=2, start=1_000), duration_ms=5_000.0))


@pytest.fixture
def pool() -> Iterator[PoolFitter]:
    fitter = PoolFitter(1)
    yield fitter
    fitter.close()


def test_a_pool_of_processes_gives_the_same_state(pool: PoolFitter) -> None:
    found = Scorer(SETTINGS, pool)
    found.score(workload("shop", 1_000))
    assert found.snapshot(("shop", "")) == warmed().snapshot(("shop", ""))


def test_giving_up_an_application_frees_its_slots() -> None:
    found = warmed(300)
    found.forget(("shop", ""))
    found.forget(("shop", ""))
    assert found.statistics()["operations"] == 0
    assert events(found, workload("shop", 300)) == []
    assert found.snapshot(("shop", "")) == warmed(300).snapshot(("shop", ""))


def test_a_burst_of_errors_that_is_over_is_not_told_again() -> None:
    found = warmed()
    failing = slowed(workload("shop", 120, seed=2, start=1_000), status="error")
    assert events(found, failing)
    later = events(found, workload("shop", 2_000, seed=3, start=1_120))
    assert [event for event in later if event.data.kind == "errors"] == []


def test_a_new_deviation_after_a_quiet_minute_is_told_although_the_rest_is_not_over() -> None:
    found = warmed()

    def slow(seed: int, start: float) -> list[Execution]:
        return [
            msgspec.structs.replace(execution, duration_ms=execution.duration_ms + 300)
            for execution in workload("shop", 40, seed=seed, start=start)
        ]

    first = events(found, slow(2, 1_000))
    assert first
    assert events(found, workload("shop", 100, seed=3, start=1_040)) == []
    again = events(found, slow(4, 1_140))
    assert {event.data.operation for event in again} == {"GET /0", "GET /1"}
