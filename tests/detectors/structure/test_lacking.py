"""Executions in a row that lack what none lacked before: how certain that is, and what it must not be taken for."""

import numpy as np
import pytest

from tests.detectors.structure.test_detector import Edit, all_of, executions, learn, slots, times
from tracehound.detectors.features.paths import paths_of
from tracehound.detectors.structure.detector import Structure
from tracehound.detectors.structure.lacking import CERTAIN
from tracehound.schemas.execution import Segment

WITHOUT: Edit = lambda segments: [one for one in segments if one.peer != "stock"]  # noqa: E731
OPTIONAL: Edit = lambda segments: [one for one in segments if one.peer != "prices"]  # noqa: E731
INSTEAD: Edit = lambda segments: [*WITHOUT(segments), Segment("GET /v2/stock", 9.0, peer="stock")]  # noqa: E731


def opened(rows: int) -> Structure:
    structure = Structure(warm_up=30)
    structure.open(0, seed=1)
    learn(structure, executions(rows))
    return structure


def certain(structure: Structure, edit: Edit, rows: int = 8) -> list[bool]:
    """Whether it is certain at each of some executions in a row that a path is lost."""
    said = learn(structure, executions(rows, 2, edit), 10_000.0)
    return [certainty >= CERTAIN for certainty in said.certainty.tolist()]


@pytest.mark.parametrize(("known", "in_a_row"), [(1_000, 3), (4_000, 3), (300, 4), (100, 5)])
def test_the_more_never_lacked_it_the_fewer_are_certain(known: int, in_a_row: int) -> None:
    found = certain(opened(known), WITHOUT)
    assert found == [row + 1 >= in_a_row for row in range(8)]


def test_what_some_always_lacked_or_have_replaced_is_not_lost() -> None:
    assert not any(certain(opened(2_000), OPTIONAL, 60))
    assert not any(certain(opened(2_000), INSTEAD, 60))


def test_one_that_has_it_begins_the_count_anew() -> None:
    structure = opened(2_000)
    for start in range(20):
        found = learn(structure, [*executions(2, start, WITHOUT), *executions(1, start)], 10_000.0 + 3 * start)
        assert found.certainty.max() < CERTAIN


def test_a_path_that_is_sometimes_lost_is_not_certain_once_that_is_known() -> None:
    structure = opened(1_000)
    random = np.random.default_rng(1)
    for start in range(2_000):
        learn(structure, executions(1, start, WITHOUT if random.random() < 0.02 else lambda one: one), 2_000.0 + start)
    assert not any(certain(structure, WITHOUT, 4))


def test_judging_counts_nothing_and_a_snapshot_goes_on_counting() -> None:
    structure, resumed = opened(2_000), Structure(warm_up=30)
    lost = executions(5, 2, WITHOUT)
    structure.judge(slots(5), paths_of(lost))
    learn(structure, lost[:2], 10_000.0)
    resumed.open(3, seed=1)
    resumed.restore(3, structure.snapshot(0))
    said = resumed.judge_then_learn(slots(1, 3), paths_of(lost[2:3]), times(1, 10_002.0), all_of(1))
    assert said.certainty[0] >= CERTAIN
    assert structure.judge(slots(5), paths_of(lost)).certainty.tolist() == [0.0] * 5


def test_a_state_from_before_it_was_counted_is_taken() -> None:
    structure = opened(2_000)
    learn(structure, executions(2, 2, WITHOUT), 10_000.0)
    state = dict(structure.snapshot(0))
    del state["lacking"]
    structure.restore(0, state)
    assert certain(structure, WITHOUT, 2) == [False, False]
