"""Windows close by event time alone, count each execution once, and do not depend on how executions are batched."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracehound.detectors.bank import Floats, Slots, State
from tracehound.detectors.windows.windows import (
    BUSY_MS,
    COUNT,
    FAILED,
    LONGEST_GAP,
    LONGEST_MS,
    RANK_SUM,
    RANKED,
    SLOW,
    ClosedWindows,
    Windows,
)

WIDTH, LATENESS = 10.0, 4.0


def windows(applications: int = 1) -> Windows:
    made = Windows(WIDTH, LATENESS)
    for slot in range(applications):
        made.open(slot)
    return made


def add(
    to: Windows, times: list[float], slots: list[int] | None = None, errors: list[float] | None = None
) -> ClosedWindows:
    n = len(times)
    return to.add(
        np.array(slots if slots is not None else [0] * n, np.int64),
        np.array(times, np.float64),
        np.full(n, 100.0),
        np.array(errors if errors is not None else [0.0] * n),
        np.zeros(n),
    )


def told(closed: ClosedWindows) -> list[tuple[float, float, bool]]:
    return list(zip(closed.start_s.tolist(), closed.sums[:, COUNT].tolist(), closed.beside_gap.tolist(), strict=True))


def naive(times: list[float]) -> tuple[list[tuple[int, float, float]], int]:
    """(closing row, start, count) of every window of one application, and the late executions, without packed state."""
    counts: dict[int, int] = defaultdict(int)
    found: list[tuple[int, float, float]] = []
    late, newest, oldest, partial = 0, -math.inf, 0, 0
    for row, time in enumerate(times):
        window = math.floor(time / WIDTH)
        if newest == -math.inf:
            oldest = partial = window
        newest = max(newest, time)
        while (oldest + 1) * WIDTH + LATENESS <= newest:
            if oldest != partial:
                found.append((row, oldest * WIDTH, float(counts[oldest])))
            oldest += 1
        if window < oldest:
            late += 1
        else:
            counts[window] += 1
    return found, late


@settings(deadline=None)  # the first call compiles the kernel
@given(st.lists(st.floats(-20.0, 40.0).map(lambda step: round(step, 1)), max_size=80))
def test_closes_what_a_plain_count_says(steps: list[float]) -> None:
    times: list[float] = (1_000.0 + np.cumsum(steps)).tolist()
    packed = windows()
    closed = add(packed, times)
    expected, late = naive(times)
    assert (
        list(zip(closed.row.tolist(), closed.start_s.tolist(), closed.sums[:, COUNT].tolist(), strict=True)) == expected
    )
    assert packed.late(0) == late


def test_rounding_at_the_edges_of_windows_loses_no_execution() -> None:
    packed = Windows(0.1, 0.1)
    packed.open(0)
    times = 1.7e9 + np.arange(5_000.0) * 0.1
    ones = np.ones(len(times))
    closed = packed.add(np.zeros(len(times), np.int64), times, ones, ones, ones)
    open_now = np.asarray(packed.snapshot(0)["sums"])[:, COUNT].sum()
    assert closed.sums[:, COUNT].sum() + open_now + packed.late(0) in (len(times) - 1, len(times) - 2)
    assert packed.late(0) == 0


def test_the_first_window_is_incomplete_and_is_not_told() -> None:
    assert told(add(windows(), [5.0, 12.0, 24.0])) == [(10.0, 1.0, False)]


def test_a_window_waits_for_late_executions_as_long_as_it_may() -> None:
    packed = windows()
    assert told(add(packed, [5.0, 12.0, 23.9, 19.0])) == []
    assert told(add(packed, [24.0, 18.0])) == [(10.0, 2.0, False)]
    assert packed.late(0) == 1


def test_sums_are_those_of_the_executions_of_the_window() -> None:
    packed = windows()
    times = np.array([5.0, 11.0, 12.0, 13.0, 24.0])
    durations, errors = np.array([9.0, 10.0, 30.0, 20.0, 9.0]), np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    closed = packed.add(np.zeros(5, np.int64), times, durations, errors, np.array([9.0, 2.0, np.nan, -0.5, 9.0]))
    [sums] = closed.sums.tolist()
    places = (COUNT, FAILED, SLOW, BUSY_MS, LONGEST_MS, RANKED, RANK_SUM)
    assert [sums[place] for place in places] == [3.0, 1.0, 1.0, 60.0, 30.0, 2.0, 1.5]


def test_a_rest_leaves_empty_windows_and_marks_its_neighbours() -> None:
    closed = add(windows(), [5.0, 12.0, 25.0, 55.0, 62.0, 73.0, 84.0])
    assert told(closed) == [
        (10.0, 1.0, False),
        (20.0, 1.0, True),
        (30.0, 0.0, True),
        (40.0, 0.0, True),
        (50.0, 1.0, True),
        (60.0, 1.0, False),
        (70.0, 1.0, False),
    ]


def test_of_a_long_absence_the_first_empty_windows_and_the_last_are_told() -> None:
    closed = add(windows(), [5.0, 12.0, 1e6, 1e6 + 14.0])
    empty = [(WIDTH * window, 0.0, True) for window in range(2, 1 + LONGEST_GAP)]
    assert told(closed) == [(10.0, 1.0, True), *empty, (1e6 - WIDTH, 0.0, True), (1e6, 1.0, True)]


def test_applications_do_not_touch_each_other() -> None:
    random = np.random.default_rng(3)
    slots = random.integers(0, 40, 4_000)
    times = np.sort(random.uniform(0.0, 900.0, 4_000)) + random.uniform(-6.0, 0.0, 4_000)
    together = add(windows(40), times.tolist(), slots.tolist())
    for slot in range(40):
        alone = add(windows(), times[slots == slot].tolist())
        assert np.array_equal(alone.sums, together.sums[together.slot == slot])
        assert np.array_equal(alone.start_s, together.start_s[together.slot == slot])


def traffic(rows: int = 600) -> tuple[Slots, Floats]:
    random = np.random.default_rng(4)
    times = np.cumsum(random.exponential(1.0, rows)) + random.uniform(-8.0, 0.0, rows)
    times[300:] += 45.0
    return random.integers(0, 3, rows), times


def test_a_batch_is_the_same_as_one_row_after_the_other() -> None:
    slots, times = traffic()
    batch, single = windows(3), windows(3)
    closed = add(batch, times.tolist(), slots.tolist())
    one_by_one = [add(single, [time], [slot]) for slot, time in zip(slots.tolist(), times.tolist(), strict=True)]
    assert len(closed.row) > 100
    assert closed.row.tolist() == [row for row, one in enumerate(one_by_one) for _ in one.row]
    for name in ("slot", "start_s", "sums", "beside_gap"):
        assert np.array_equal(getattr(closed, name), np.concatenate([getattr(one, name) for one in one_by_one]))


def same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)


def test_a_snapshot_resumes_with_the_windows_in_progress() -> None:
    slots, times = traffic()
    whole, first, second = windows(3), windows(3), windows()
    expected = add(whole, times.tolist(), slots.tolist())
    add(first, times[:250].tolist(), slots[:250].tolist())
    second.open(7)
    second.restore(7, first.snapshot(1))
    mine = slots[250:] == 1
    resumed = add(second, times[250:][mine].tolist(), [7] * int(mine.sum()))
    later = (expected.slot == 1) & (expected.row >= 250)
    assert np.array_equal(resumed.sums, expected.sums[later])
    assert same(second.snapshot(7), whole.snapshot(1))


def test_an_opened_slot_forgets_who_was_there_before() -> None:
    used, fresh = windows(), windows()
    add(used, [5.0, 12.0, 24.0, 3.0])
    used.open(0)
    assert same(used.snapshot(0), fresh.snapshot(0))


def test_memory_does_not_grow_with_what_is_counted() -> None:
    packed = windows()
    before = packed.nbytes()
    add(packed, np.arange(0.0, 5_000.0).tolist())
    assert packed.nbytes() == before < 256


@pytest.mark.parametrize(("width", "lateness"), [(0.0, 0.0), (10.0, 11.0), (10.0, -1.0), (float("nan"), 0.0)])
def test_illegal_settings_are_named(width: float, lateness: float) -> None:
    with pytest.raises(ValueError, match=r"parameter of Windows must be .* Got"):
        Windows(width, lateness)


def test_a_state_of_another_shape_is_refused() -> None:
    packed = windows()
    state = packed.snapshot(0) | {"sums": np.zeros((3, 7))}
    with pytest.raises(ValueError, match="must be an array"):
        packed.restore(0, state)
