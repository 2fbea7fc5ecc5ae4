"""Rests of a key, by its own gaps."""

from typing import Any

import numpy as np
import pytest

from tracehound.detectors.packed.rests import GAPS, NO_GAPS, note_gap, outlived, rested

LAYOUT = np.dtype([(name, dtype) for name, dtype in GAPS.items()])


def key_with(times: list[float]) -> Any:
    """What a key remembers after values at ``times``."""
    keys = np.zeros(1, LAYOUT)
    for name, value in NO_GAPS.items():
        keys[name] = value
    for time in times:
        note_gap(keys[0], time, False, False)
    return keys[0]


@pytest.mark.parametrize(
    ("usual_s", "after_s", "rests"),
    [(1.0, 100.0, False), (1.0, 130.0, True), (10.0, 190.0, False), (10.0, 210.0, True), (60.0, 1_100.0, False)],
)
def test_a_rest_is_two_minutes_and_twenty_usual_gaps(usual_s: float, after_s: float, rests: bool) -> None:
    key = key_with([usual_s * number for number in range(50)])
    assert bool(rested(key, usual_s * 49 + after_s)) is rests


def test_nothing_rests_before_a_gap_is_known() -> None:
    assert not rested(key_with([]), 1e9)
    assert not rested(key_with([0.0]), 1e9)


def test_calls_of_one_execution_and_late_ones_have_no_gap() -> None:
    key = key_with([0.0, 10.0, 10.0, 10.0, 5.0, 20.0])
    assert key["usual_gap_s"] == 10.0
    assert key["newest_s"] == 20.0
    assert not rested(key, 3.0)


def test_a_few_values_each_hour_are_no_rest_of_one_another() -> None:
    key = key_with([3_600.0 * hour + second for hour in range(24) for second in (0.0, 1.0, 2.0)])
    assert not rested(key, 3_600.0 * 24)


def test_one_rest_does_not_make_the_next_gap_usual() -> None:
    times = [float(second) for second in range(100)] + [100_000.0 + second for second in range(20)]
    assert rested(key_with(times), times[-1] + 310.0)


def test_what_was_before_a_rest_goes_on_with_the_first_value_that_shows_it() -> None:
    key = key_with([float(second) for second in range(100)])
    after = 99.0 + 400.0
    assert outlived(key, after, False, False)
    assert not outlived(key, after, False, True)
    note_gap(key, after, True, False)
    assert outlived(key, after + 1.0, False, False)
    note_gap(key, after + 1.0, True, True)
    assert not outlived(key, after + 2.0, False, False)
