"""Executions collected into a batch: slots, calls, error types, and what a release excuses."""

import numpy as np
import pytest

from tracehound.detectors.application.models import ApplicationModels, OperationModels
from tracehound.detectors.columns.columned_executions import columned
from tracehound.detectors.errors.error_types import type_number
from tracehound.detectors.features.answered_calls import AnsweredCalls
from tracehound.detectors.features.batch import Batch
from tracehound.detectors.features.clocks import Clocks
from tracehound.detectors.scoring.rows import Rows
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution, ExecutionFailure, Segment

SETTINGS = DetectionSettings(release_window_s=1_000.0, release_patience_s=60.0, persist_s=9_000.0, lateness_s=5.0)


def application(slot: int = 3) -> ApplicationModels:
    return ApplicationModels(("shop", ""), slot, next_refit=0, next_stop=0)


def new_call(models: ApplicationModels, kind: int, peer: str) -> int:
    slot = models.calls[kind][peer] = 10 * kind + len(models.calls[kind])
    return slot


def batch_of(models: ApplicationModels, *executions: Execution) -> tuple[Rows, Batch]:
    rows, operation = Rows(100), OperationModels("GET /", 5)
    for _ in executions:
        models.seen += 1
        rows.extend([models], [operation], [models.seen])
    clocks = Clocks(SETTINGS.lateness_s)
    clocks.open(models.slot)
    return rows, rows.batch(columned(executions), SETTINGS, clocks, AnsweredCalls(), new_call)


def at(second: float, *segments: Segment) -> Execution:
    return Execution("shop", "GET /", second, 10.0, segments=list(segments))


def test_nothing_collected_is_an_empty_batch() -> None:
    rows, batch = batch_of(application())
    assert len(rows) == len(batch.times) == 0
    assert batch.signals.shape == (0, 3)


def test_calls_belong_to_their_rows_and_new_peers_get_slots_once() -> None:
    joined = [Segment("GET /b", 9.0, peer=peer, remote_ms=4.0) for peer in ("b", "c")]
    query = Segment("SELECT", 3.0, peer="pg")
    models = application()
    _, batch = batch_of(models, at(0.0, *joined), at(1.0), at(2.0, query, joined[1]))
    gaps, waits = batch.calls
    assert gaps.rows.tolist() == [0, 0, 2]
    assert gaps.slots.tolist() == [0, 1, 1]
    assert gaps.values.tolist() == [5.0, 5.0, 5.0]
    assert (waits.rows.tolist(), waits.slots.tolist(), waits.values.tolist()) == ([2], [10], [3.0])
    assert [list(peers) for peers in models.calls] == [["b", "c"], ["pg"], []]


def test_a_row_is_a_subject_with_its_number_in_the_application() -> None:
    models = application()
    models.seen = 41
    rows, batch = batch_of(models, at(0.0), at(1.0, Segment("render", 4.0, offset_ms=0.0)))
    subject = rows.subject(1, batch)
    assert (subject.row, subject.number, subject.self_ms) == (1, 43, 6.0)
    assert subject.application is models
    assert batch.applications.tolist() == [3, 3]
    assert batch.operations.tolist() == [5, 5]


def test_errors_count_with_and_without_a_type() -> None:
    handled = Execution("shop", "GET /", 0.0, 1.0, error=ExecutionFailure("Miss", "", handled=True))
    unhandled = Execution("shop", "GET /", 0.0, 1.0, status="error", error=ExecutionFailure("Timeout", ""))
    nameless = Execution("shop", "GET /", 0.0, 1.0, status="error")
    _, batch = batch_of(application(), handled, unhandled, nameless, at(0.0))
    assert batch.errors.tolist() == [float(one.failed) for one in (handled, unhandled, nameless, at(0.0))]
    assert batch.error_types.tolist() == [type_number("Miss", handled=True), type_number("Timeout"), 0, 0]


@pytest.mark.parametrize(
    ("second", "accept_after", "released"),
    [(50.0, 60.0, 45.0), (96.0, 60.0, 95.0), (100.0, 60.0, 95.0), (1_099.0, 60.0, 95.0), (1_100.0, 9_000.0, -np.inf)],
)
def test_a_recent_release_is_accepted_sooner_if_it_brought_the_deviation(
    second: float, accept_after: float, released: float
) -> None:
    models = application()
    models.release_s = 100.0
    _, batch = batch_of(models, at(second))
    assert batch.accept_after.tolist() == [accept_after]
    assert batch.released.tolist() == [released]


def test_without_a_release_a_deviation_has_to_persist() -> None:
    _, batch = batch_of(application(), at(0.0))
    assert batch.accept_after.tolist() == [9_000.0]
    assert batch.released.tolist() == [-np.inf]
