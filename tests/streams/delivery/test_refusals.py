"""The log says that records are refused without a line for each."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from tracehound.schemas.dead_letter import DeadLetter
from tracehound.streams.delivery.refusals import SAY_EVERY_S, RefusalLog


class Timers:
    """Callbacks that wait until the test lets a minute pass."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []

    def __call__(self, delay: float, callback: Callable[[], None], /) -> None:
        assert delay == SAY_EVERY_S
        self._waiting.append(callback)

    def minute(self) -> None:
        due, self._waiting = self._waiting, []
        for callback in due:
            callback()

    @property
    def waiting(self) -> int:
        return len(self._waiting)


@pytest.fixture
def said() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


def letter(offset: int, error: str = "InvalidJson") -> DeadLetter:
    return DeadLetter(b"{", b"sh\xffop", "executions.v1", 3, offset, 5, "decode", error, f"Reason {offset}.")


def test_the_first_is_told_at_once_with_where_it_was_and_the_rest_once_a_minute(said: list[Any]) -> None:
    timers = Timers()
    refusals = RefusalLog("dead-letters.v1", timers)

    refusals.note(letter(0))
    assert [(line["event"], line["offset"], line["partition"], line["key"]) for line in said] == [
        ("record_refused", 0, 3, "sh\\xffop")
    ]
    assert said[0]["sentence"].endswith(": Reason 0.")

    for offset in range(1, 1_000):
        refusals.note(letter(offset, "InvalidField" if offset % 3 else "InvalidJson"))
    assert len(said) == 1
    timers.minute()
    assert said[1]["event"] == "records_refused"
    assert (said[1]["count"], said[1]["errors"]) == (999, {"InvalidField": 666, "InvalidJson": 333})
    assert said[1]["sentence"] == "999 more records were refused within 60 s; the newest: Reason 999."


def test_it_goes_on_by_the_minute_and_begins_anew_after_a_quiet_one(said: list[Any]) -> None:
    timers = Timers()
    refusals = RefusalLog("dead-letters.v1", timers)
    refusals.note(letter(0))
    refusals.note(letter(1))
    timers.minute()
    refusals.note(letter(2))
    assert [line["event"] for line in said] == ["record_refused", "records_refused"]
    timers.minute()
    assert said[-1]["sentence"].startswith("1 more record was refused")

    timers.minute()
    assert len(said) == 3
    assert timers.waiting == 0, "nothing waits while nothing is refused"
    refusals.note(letter(3))
    assert said[-1]["event"] == "record_refused"
