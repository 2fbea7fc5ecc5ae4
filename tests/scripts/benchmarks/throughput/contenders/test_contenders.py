"""Each contender processes a few executions; what only one of them has is tested beside that."""

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import give_up
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import Execution, ExecutionHead
from tracehound.scripts.benchmarks.throughput.contender_list import CONTENDERS
from tracehound.scripts.benchmarks.throughput.contenders.bare_detectors import score_all
from tracehound.scripts.benchmarks.throughput.contenders.detection_off import NoDetection
from tracehound.scripts.benchmarks.throughput.contenders.four_features import four_features
from tracehound.scripts.benchmarks.throughput.report import FAUSTS
from tracehound.scripts.benchmarks.throughput.run import Arena, Sizes, take_turns

COUNT = 600
BY_NAME = {contender.name: contender for contender in CONTENDERS}


def arena_on(kafka: Broker, folder: Path) -> Arena:
    return Arena(kafka, Sizes(COUNT, COUNT, 5, 3, 10, 5, COUNT, 5), folder, core=0)


@pytest.mark.parametrize("name", ["bare_decode_arrays", "bare_detectors", "detection_off", *FAUSTS])
def test_a_contender_on_the_embedded_broker_processes_all(embedded_kafka: Broker, tmp_path: Path, name: str) -> None:
    _runs(name, embedded_kafka, tmp_path)


@pytest.mark.parametrize("name", ["quix_river", "jvm_rcf"])
def test_a_contender_on_apache_kafka_processes_all(kafka: Broker, tmp_path: Path, name: str) -> None:
    if reason := BY_NAME[name].why_not(kafka.embedded):
        give_up(name, reason)
    _runs(name, kafka, tmp_path)


def _runs(name: str, kafka: Broker, folder: Path) -> None:
    told: list[str] = []
    arena = arena_on(kafka, folder)
    if not BY_NAME[name].saves_states:  # (gets topics of its own)
        arena.fill([BY_NAME[name].workload])

    runs, loops = take_turns(arena, [BY_NAME[name]], 1, told.append)

    [run] = runs[name]
    assert len(loops) == 2
    assert run.executions_per_second > 0
    assert run.peak_mb > 10
    assert told[0].startswith(f"round 1, {name}: ")


def test_a_worker_has_nothing_of_what_the_worker_before_it_learned(kafka: Broker, tmp_path: Path) -> None:
    arena = arena_on(kafka, tmp_path)
    arena.fill(["single"])

    runs, _ = take_turns(arena, [BY_NAME["detection_off"]], 2, lambda text: None)

    assert len(runs["detection_off"]) == 2


def executions(count: int) -> list[Execution]:
    return [Execution("shop", "GET /", float(number), 5.0) for number in range(count)]


class CountingScorer:
    chunk = 4

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.fits: list[Future[Any]] = []

    def fits_due(self, executions: Sequence[ExecutionHead]) -> list[Future[Any]]:
        return self.fits

    def score(self, executions: Sequence[ExecutionHead]) -> None:
        assert all(fit.done() for fit in self.fits)
        self.calls.append(len(executions))


def test_bare_detectors_score_in_the_chunks_of_the_core_once_its_fits_are_done() -> None:
    scorer = CountingScorer()
    fit: Future[Any] = Future()
    fit.set_result(None)
    scorer.fits = [fit]
    done: list[int] = []

    score_all(executions(10), scorer, done.append)

    assert scorer.calls == done == [4, 4, 2]


def test_without_detection_nothing_is_unusual_and_states_are_counts() -> None:
    core = NoDetection()

    scored = core.score(executions(7))

    assert (scored.anomalies, scored.model_events, len(scored.score)) == ([], [], 7)
    other = NoDetection()
    assert other.restore(core.snapshot(("shop", "")), ("shop", "")) == ("shop", "")
    assert other.snapshot(("shop", "")) == core.snapshot(("shop", ""))


@pytest.mark.parametrize("snapshot", [b"", b"7", b'["shop"]', b'["shop","","x"]', b'["other","",3]'])
def test_what_is_no_count_of_the_application_is_refused(snapshot: bytes) -> None:
    with pytest.raises(SnapshotError):
        NoDetection().restore(snapshot, ("shop", ""))


def test_an_application_that_was_forgotten_has_no_state() -> None:
    core = NoDetection()
    core.score(executions(1))
    core.forget(("shop", ""))

    with pytest.raises(KeyError):
        core.snapshot(("shop", ""))
    assert core.statistics()["applications"] == 0


def test_features_are_between_nought_and_one() -> None:
    execution = {"duration_ms": 5_000.0, "segments": [{"duration_ms": 2_000.0}] * 30}

    assert four_features(execution) == {"duration": 1.0, "segments": 1.0, "longest": 1.0, "error": 0.0}
