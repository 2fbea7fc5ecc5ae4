"""Where a series usually lies is what it did before at that time, not what it does now."""

from tracehound.console.web.typical import DAY_S, typical_ranges

STEP_S = 1_200
A_DAY = DAY_S // STEP_S


def test_a_daily_rhythm_is_usual_at_its_time() -> None:
    day = [100.0 if 20 <= step < 40 else 10.0 for step in range(A_DAY)]
    ranges = typical_ranges([*day * 7, *[55.0] * A_DAY], A_DAY, STEP_S)
    assert ranges[30] == (100.0, 100.0)
    assert ranges[10] == (10.0, 10.0)


def test_fewer_than_three_days_are_not_enough_for_a_rhythm() -> None:
    ranges = typical_ranges([*[10.0] * A_DAY * 2, *[99.0] * 2], 2, STEP_S)
    assert ranges[0] == (10.0, 10.0)  # of the day just before
    assert ranges[1] is not None
    assert ranges[1][0] == 10.0


def test_one_odd_day_does_not_make_a_band_wide() -> None:
    quiet, odd = [10.0] * A_DAY, [500.0] * A_DAY
    usual = typical_ranges([*quiet * 19, *odd[:3], *quiet[3:], *quiet], 1, STEP_S)
    assert usual == [(10.0, 10.0)]


def test_where_nothing_was_measured_nothing_is_usual() -> None:
    assert typical_ranges([None] * 50, 3, STEP_S) == [None, None, None]
    assert typical_ranges([5.0] * 4, 4, STEP_S) == [None] * 4
    assert typical_ranges([None] * 500 + [1.0] * 20, 1, STEP_S) == [(1.0, 1.0)]
