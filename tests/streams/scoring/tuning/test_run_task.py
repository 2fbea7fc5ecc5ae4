"""A task of tuning scores the executions of its application alone, and says why where it cannot."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.detectors.scoring.shop import slowed, workload
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.tuning import Confirmed, TuningResult, TuningTask, read_tuning_result
from tracehound.streams.kafka.odd_records import UNREAD_HEADER
from tracehound.streams.scoring.tuning.run_task import Records, run_task
from tracehound.streams.settings.settings import Settings

START_S = 1_767_225_600.0
SETTINGS = Settings()


class Recorded(NamedTuple):
    """A record of executions."""

    value: bytes | None
    key: bytes | None = b"shop"
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = round(1_000 * START_S) + 10_000_000


def task(**more: Any) -> TuningTask:
    given = {
        "id": "t-1",
        "tuning": "t",
        "number": 1,
        "application": "shop",
        "settings": {},
        "partition": 0,
        "first": 0,
        "last": 900,
        "most_cpu_s": 600.0,
        "expires_at": 9e9,
    }
    return msgspec.convert({**given, **more}, TuningTask)


def records(_settings: Settings, _task: TuningTask) -> Iterator[Sequence[Any]]:
    shop = workload("shop", 800, start=START_S)
    shop[700:720] = slowed(shop[700:720], 30_000.0)
    values = [json.dumps(msgspec.to_builtins(one)).encode() for one in [*shop, *workload("other", 50, start=START_S)]]
    values[100:100] = [b"{", json.dumps({"application": "shop"}).encode()]
    yield [Recorded(None), Recorded(values[0], headers=((UNREAD_HEADER, b"It is too large."),))]
    yield from ([Recorded(value) for value in values[first : first + 300]] for first in range(0, len(values), 300))


def tried(asked: TuningTask, read: Records, given_up: Callable[[], bool] = lambda: False) -> TuningResult:
    def watching(_settings: Settings, _task: TuningTask) -> AbstractContextManager[Callable[[], bool]]:
        return nullcontext(given_up)

    return run_task(SETTINGS, asked, read, watching)


def test_what_would_have_been_told_is_counted() -> None:
    result = tried(task(confirmed=[Confirmed(START_S + 700.0, START_S + 720.0)]), records)
    assert (result.id, result.tuning, result.number, result.state, result.sentence) == ("t-1", "t", 1, "done", "")
    assert (result.executions, result.confirmed, result.found, result.recall) == (800, 1, 1, 1.0)
    assert result.anomalies >= 1
    assert result.cpu_s > 0.0
    assert read_tuning_result(msgspec.json.encode(result)) == result


def test_it_begins_at_a_moment_of_event_time() -> None:
    assert tried(task(since=START_S + 600.0), records).executions == 200


def test_it_ends_before_a_moment_of_event_time() -> None:
    assert tried(task(since=START_S + 600.0, until=START_S + 610.0), records).executions == 10


def test_of_files_it_scores_its_own_alone() -> None:
    def two_files(_settings: Settings, _task: TuningTask) -> Iterator[Sequence[Any]]:
        values = [json.dumps(msgspec.to_builtins(one)).encode() for one in workload("shop", 90, start=START_S)]
        yield [Recorded(value, b"other" if number % 3 else b"t") for number, value in enumerate(values)]

    assert tried(task(from_file=True), two_files).executions == 30
    assert tried(task(), two_files).executions == 90


def test_one_that_somebody_gave_up_is_not_begun() -> None:
    result = tried(task(), records, lambda: True)
    assert (result.state, result.executions, result.sentence) == ("cancelled", 0, "Somebody gave the tuning up.")


def test_one_that_somebody_gives_up_ends() -> None:
    answers = iter([False, False, True])
    assert tried(task(), records, lambda: next(answers)).state == "cancelled"


def test_of_another_environment_there_is_nothing() -> None:
    assert tried(task(environment="test"), records).executions == 0


def test_what_takes_too_long_is_cut_off() -> None:
    result = tried(task(most_cpu_s=1e-9), records)
    assert (result.state, result.executions) == ("cut", 0)
    assert result.sentence == "It was cut off after 1e-09 CPU seconds."


def away(_settings: Settings, _task: TuningTask) -> Iterator[Sequence[Any]]:
    for part in ("away",):
        raise BrokerError(f"Executions cannot be read: {part}.")
    yield []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"least_sigma": 99.0}, "The setting 'least_sigma' must be from 3 to 40. Got 99.0 instead."),
        ({"nonsense": 1.0}, "A setting that is searched must be a number of detection. Got 'nonsense' instead."),
        ({}, "Executions cannot be read: away."),
    ],
)
def test_what_cannot_be_run_says_why(wrong: dict[str, float], sentence: str) -> None:
    result = tried(task(settings=wrong), away)
    assert (result.state, result.sentence) == ("failed", sentence)
