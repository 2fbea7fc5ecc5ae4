"""Which backlogs of a queue are usual at their time of day."""

import pytest

from tracehound.detectors.telling.backlogs import DAY_S, MOST, NEAR_S, Backlog, Backlogs

QUEUE = "messages of kafka orders for billing"
NIGHT_S = 2 * 3_600.0


def nights(*days: float, waited_ms: float = 60_000.0) -> Backlogs:
    """Backlogs of twenty minutes from 2:00 on these days."""
    made = Backlogs()
    for day in days:
        for minute in range(20):
            made.is_usual(QUEUE, day * DAY_S + NIGHT_S + 60.0 * minute, waited_ms)
    return made


def usual(made: Backlogs, day: float, hour: float = 2.2, waited_ms: float = 60_000.0) -> bool:
    return made.is_usual(QUEUE, day * DAY_S + 3_600.0 * hour, waited_ms)


def test_the_third_night_is_usual_for_as_long_as_it_is_like_the_others() -> None:
    assert not usual(nights(0), 1)
    assert usual(nights(0, 1), 2)
    assert usual(nights(0, 1), 2, waited_ms=89_000.0)
    assert not usual(nights(0, 1), 2, waited_ms=91_000.0)
    assert not usual(nights(0, 1), 2, hour=14.0)


@pytest.mark.parametrize(("hour", "expected"), [(1.6, True), (2.7, True), (1.4, False), (2.9, False)])
def test_half_an_hour_earlier_or_later_is_the_same_time(hour: float, expected: bool) -> None:
    assert usual(nights(0, 1), 2, hour) is expected


def test_what_comes_every_week_is_usual_in_the_third() -> None:
    assert usual(nights(0, 7), 14)
    assert not usual(nights(0, 7), 35)


def test_a_backlog_that_goes_on_all_day_is_no_other_day() -> None:
    made = Backlogs()
    assert not any(made.is_usual(QUEUE, NEAR_S * number, 60_000.0) for number in range(480))


def test_other_queues_are_others() -> None:
    made = nights(0, 1)

    assert not made.is_usual("messages of kafka orders for audit", 2 * DAY_S + NIGHT_S, 60_000.0)


def test_it_goes_on_after_a_restart_and_forgets_the_oldest() -> None:
    made, again = nights(0, 1), Backlogs()
    again.restore({queue: [Backlog(*one) for one in known] for queue, known in made.stored().items()})
    assert usual(again, 2)

    for number in range(3 * MOST):
        made.is_usual(QUEUE, 3 * DAY_S + 2 * NEAR_S * number, 1_000.0)
    assert len(made.stored()[QUEUE]) == MOST


def test_what_lay_in_a_future_that_was_none_is_forgotten() -> None:
    made = nights(0, 1)
    made.set_back(DAY_S / 2)

    assert [len(known) for known in made.stored().values()] == [1]
    assert not usual(made, 2)
