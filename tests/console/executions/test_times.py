"""An execution is kept by its own start; whether that is long over is not judged by one sender's clock."""

from tracehound.console.executions.times import Ages, ApplicationTimes
from tracehound.console.executions.windows import DAY_S, HOUR_S, MINUTE_S
from tracehound.schemas.execution import ApplicationKey, ExecutionHead

NOW_S = 1_790_000_040.0
SHOP = ("shop", "")


def at(started_s: float, application: str = "shop") -> ExecutionHead:
    return ExecutionHead(application, "GET /", started_s, 5.0)


def window_of(times: ApplicationTimes, key: ApplicationKey, started_s: float) -> tuple[int, int] | None:
    return Ages().window_of(times.now_s(key), started_s)


def known(most: int = 10) -> ApplicationTimes:
    times = ApplicationTimes(most)
    times.take([at(NOW_S + number) for number in range(50)])
    return times


def test_windows_are_longer_for_older_executions_and_none_for_very_old_ones() -> None:
    times = known()
    minute = int(NOW_S) // MINUTE_S * MINUTE_S
    assert window_of(times, SHOP, NOW_S + 1) == (MINUTE_S, minute)
    assert window_of(times, SHOP, NOW_S - 5 * HOUR_S) == (MINUTE_S, minute - 5 * HOUR_S)
    assert window_of(times, SHOP, NOW_S - 7 * HOUR_S) == (HOUR_S, (int(NOW_S) - 7 * HOUR_S) // HOUR_S * HOUR_S)
    assert window_of(times, SHOP, NOW_S - 2 * DAY_S) is None


def test_one_wrong_clock_makes_nobody_late() -> None:
    times = known()
    times.take([at(NOW_S + 30 * DAY_S), *(at(NOW_S + 50 + number) for number in range(20))])
    now_s = times.now_s(SHOP)
    assert now_s is not None
    assert now_s < NOW_S + 100
    assert window_of(times, SHOP, NOW_S + 70) is not None


def test_a_recording_of_last_year_is_kept_where_all_executions_are_of_then() -> None:
    assert window_of(known(), SHOP, NOW_S - 1) is not None
    assert window_of(known(), ("other", ""), 0.0) == (MINUTE_S, 0)


def test_times_that_were_stored_go_on() -> None:
    times = ApplicationTimes(10)
    times.begin({SHOP: NOW_S})
    assert times.now_s(SHOP) == NOW_S
    assert window_of(times, SHOP, NOW_S - 2 * DAY_S) is None


def test_of_too_many_applications_nobody_is_late() -> None:
    times = known(most=1)
    times.take([at(NOW_S, "other")])
    assert times.now_s(("other", "")) is None
    assert window_of(times, ("other", ""), 0.0) == (MINUTE_S, 0)
