"""All detectors side by side: what each channel is told, what deviates, what is told once, and what it all weighs."""

import random
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from tracehound.detectors.application.models import ApplicationModels, OperationModels
from tracehound.detectors.charts.kernel import OWN_LEAST
from tracehound.detectors.charts.signals import CHARTS, KEYED
from tracehound.detectors.columns.columned_executions import columned
from tracehound.detectors.ensemble import state as ensemble_state
from tracehound.detectors.ensemble.ensemble import Ensemble, Judgements
from tracehound.detectors.ensemble.registry import SINGLE, STRUCTURE, STRUCTURE_CHANGE
from tracehound.detectors.features.answered_calls import AnsweredCalls
from tracehound.detectors.features.clocks import Clocks
from tracehound.detectors.scoring.rows import Rows
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.deviation import ERROR_TYPE, TEMPLATE_RATE
from tracehound.detectors.windows.findings import SIGNALS
from tracehound.schemas.execution import Execution, ExecutionFailure, Segment

SETTINGS = DetectionSettings()
KILOBYTE = 1_024


class System:
    """One application with one operation, and the ensemble that judges it."""

    def __init__(self) -> None:
        self.ensemble = Ensemble(SETTINGS)
        self.application = ApplicationModels(("shop", ""), 0, next_refit=0, next_stop=0)
        self.operation = OperationModels("GET /cart", 0)
        self.clocks = Clocks(SETTINGS.lateness_s)
        self.clocks.open(0)
        self.answered = AnsweredCalls()
        self.answered.open(0)
        self.ensemble.open_application(0, seed=1)
        self.ensemble.open_operation(0, seed=2)

    def judge(self, executions: Sequence[Execution]) -> Judgements:
        rows = Rows(0)
        for _ in executions:
            rows.extend([self.application], [self.operation], [self.application.seen])
        given = (columned(executions), SETTINGS, self.clocks, self.answered, self._new_call)
        return self.ensemble.judge_then_learn(rows.batch(*given))

    def _new_call(self, application: ApplicationModels, kind: int, peer: str) -> int:
        slot = application.calls[kind][peer] = len(application.calls[kind])
        self.ensemble.charts.open_call(kind, slot, seed=3)
        return slot

    def score(self, judged: Judgements, channel: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        scores: np.ndarray[tuple[int], np.dtype[np.float64]]
        scores = judged.calibrated.scores[:, self.ensemble.channel(channel)]
        return scores


def executions(count: int, first: int = 0, seed: int = 1) -> list[Execution]:
    draw, made = random.Random(seed), []
    for number in range(first, first + count):
        gap, query, own = (draw.lognormvariate(mean, 0.2) for mean in (1.0, 2.0, 3.0))
        segments = [
            Segment("GET /stock", 20.0 + gap, "http", 0.0, peer="stock", remote_ms=20.0),
            Segment("SELECT", query, "db", 20.0 + gap, peer="pg"),
        ]
        memory = draw.lognormvariate(5.0, 0.05)
        duration = own + 20.0 + gap + query
        made.append(Execution("shop", "GET /cart", float(number), duration, segments=segments, memory_peak_mb=memory))
    return made


def with_queries(one: Execution) -> Execution:
    return msgspec.structs.replace(one, segments=[*one.segments, *[Segment("SELECT", 0.1, "db", peer="pg")] * 30])


@pytest.fixture
def system() -> System:
    made = System()
    assert not made.judge(executions(2_000)).calibrated.alarm.any()
    return made


def test_every_source_has_a_channel_of_its_own() -> None:
    ensemble = Ensemble(SETTINGS)
    names = [channel.name for channel in ensemble.channels]
    expected = {signal.name for signal in (*CHARTS, *KEYED)} | {signal.name for signal in SIGNALS}
    expected |= {bank.name for bank in ensemble.detectors}
    assert set(names) == expected | {SINGLE, STRUCTURE, STRUCTURE_CHANGE, ERROR_TYPE, TEMPLATE_RATE}
    assert len(names) == len(set(names))
    assert [ensemble.channel(name) for name in names] == list(range(len(names)))


def test_nothing_is_said_of_an_operation_before_it_is_known() -> None:
    judged = System().judge(executions(60))
    assert judged.warming.tolist() == [True] * SETTINGS.warm_up_executions + [False] * 30
    assert not judged.calibrated.score[:OWN_LEAST].any()
    assert not judged.calibrated.alarm.any()


def test_the_score_is_the_largest_of_the_channels(system: System) -> None:
    judged = system.judge([with_queries(one) for one in executions(50, 2_000, seed=2)])
    assert judged.calibrated.scores.shape == (50, len(system.ensemble.channels))
    assert np.array_equal(judged.calibrated.score, judged.calibrated.scores.max(axis=1))


def test_what_deviates_is_not_normal(system: System) -> None:
    usual = system.judge(executions(200, 2_000, seed=2))
    assert usual.normal.mean() > 0.95
    slow = [msgspec.structs.replace(one, duration_ms=9.0 * one.duration_ms) for one in executions(50, 2_200, seed=3)]
    assert not system.judge(slow).normal[5:].any()


def test_a_missing_signal_says_nothing(system: System) -> None:
    unmeasured = [msgspec.structs.replace(one, memory_peak_mb=None) for one in executions(50, 2_000, seed=2)]
    judged = system.judge(unmeasured)
    assert not system.score(judged, "memory_peak_mb").any()
    assert system.score(judged, "self_ms").any() or judged.charts[0].sigma.any()


def test_a_call_that_is_not_made_says_nothing(system: System) -> None:
    alone = [msgspec.structs.replace(one, segments=one.segments[1:]) for one in executions(5, 2_000, seed=2)]
    judged = system.judge(alone)
    assert not system.score(judged, "call_gap_ms").any()


def test_a_change_of_structure_is_told_where_it_begins_and_once_per_rest(system: System) -> None:
    count = int(SETTINGS.rest_s) + 60
    judged = system.judge([with_queries(one) for one in executions(count, 2_000, seed=2)])
    column = system.ensemble.channel(STRUCTURE_CHANGE)
    begins = np.flatnonzero(judged.calibrated.alarm[:, column])
    assert 1 <= len(begins) <= 2
    assert begins[0] < 10
    if len(begins) == 2:
        assert begins[1] - begins[0] >= SETTINGS.rest_s


def test_only_unknown_types_of_errors_are_judged(system: System) -> None:
    failing = [
        msgspec.structs.replace(one, status="error", error=ExecutionFailure("Timeout", "late"))
        for one in executions(3, 2_000, seed=2)
    ]
    judged = system.judge(failing)
    assert system.score(judged, ERROR_TYPE)[-1] > 1
    assert not system.score(system.judge(executions(3, 2_003)), ERROR_TYPE).any()


def test_an_operation_and_an_application_stay_below_their_ceilings() -> None:
    ensemble = Ensemble(SETTINGS)
    ensemble.open_operation(0, seed=1)
    none = ensemble_state.nbytes(ensemble, 0, 0, 0)
    structure = ensemble.structure.ceiling_bytes()
    assert none == ensemble.structure.nbytes()
    assert ensemble_state.nbytes(ensemble, 1, 0, 0) - none < 16 * KILOBYTE
    assert ensemble_state.nbytes(ensemble, 0, 1, 0) - none < 512 * KILOBYTE
    assert ensemble_state.nbytes(ensemble, 0, 0, 1) - none < 4 * KILOBYTE
    assert structure < 128 * KILOBYTE


def test_every_part_of_the_state_is_counted() -> None:
    """What a snapshot holds once everything is full is at most what the ensemble says that it takes."""
    system = System()
    system.judge(executions(3_000))
    ensemble = system.ensemble
    operation, application = (
        ensemble_state.snapshot_operation(ensemble, 0),
        ensemble_state.snapshot_application(ensemble, 0),
    )
    del operation["structure"], application["channels"]
    counted = ensemble_state.nbytes(ensemble, 1, 1, 0) - ensemble.structure.nbytes()
    assert stored_bytes(operation) + stored_bytes(application) <= counted


def stored_bytes(state: object) -> int:
    if isinstance(state, dict):
        return sum(stored_bytes(value) for value in state.values())
    return 0 if state is None else np.asarray(state).nbytes
