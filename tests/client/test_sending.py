"""Sending: in batches, again where asked, within bounds of memory and time, and every execution is counted once."""

import logging
import threading
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.client.conftest import Kept
from tracehound_client import Bounds, Client, Outcome
from tracehound_client.waiting import Waiting

Make = Callable[..., Client]
AT_ONCE = Bounds(wait_s=0.01)


def record(client: Client, count: int, **attributes: Any) -> None:
    for number in range(count):
        with client.execution("GET /") as execution:
            execution.attributes |= {"number": number, **attributes}


def numbers(kept: Kept) -> list[int]:
    return [one["attributes"]["number"] for one in kept.executions]


def all_counted(client: Client) -> bool:
    counts = client.counts
    return counts.recorded == counts.sent + counts.refused + counts.dropped + counts.failed + counts.waiting


def test_many_go_together_and_a_few_do_not_wait_for_ever(clients: Make, kept: Kept) -> None:
    kept.hold = threading.Event()
    client = clients("shop", kept, bounds=Bounds(batch=100, wait_s=0.05))
    record(client, 450)
    kept.hold.set()
    while client.counts.waiting:  # without flush: by themselves
        time.sleep(0.01)
    assert numbers(kept) == list(range(450))
    assert max(kept.batches) <= 100
    assert len(kept.batches) <= 6


def test_a_batch_is_bounded_by_bytes(clients: Make, kept: Kept) -> None:
    client = clients("shop", kept, bounds=Bounds(batch_kb=10))
    record(client, 100, text="x" * 900)
    assert client.flush(120)
    assert max(kept.batches) <= 10


def test_it_is_sent_again_as_a_whole_no_sooner_than_asked(clients: Make, kept: Kept) -> None:
    kept.answers = [Outcome(trouble="Busy.", again_in_s=0.8), Outcome(trouble="Busy.", again_in_s=0.0)]
    client = clients("shop", kept, bounds=AT_ONCE)
    began = time.monotonic()
    record(client, 3)
    assert client.flush(120)
    assert time.monotonic() - began >= 0.8
    assert sorted(numbers(kept)) == [0, 1, 2]
    assert client.counts.sent == 3
    assert all_counted(client)


def test_what_is_refused_is_counted_logged_and_not_sent_again(
    clients: Make, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    kept.answers = [Outcome(sent=1, refused=2, trouble="The field 'x' must be y.")]
    client = clients("shop", kept)
    with caplog.at_level(logging.WARNING, "tracehound_client"):
        record(client, 3)
        assert client.flush(120)
    assert (client.counts.sent, client.counts.refused) == (1, 2)
    assert "The field 'x' must be y." in caplog.text


def test_recording_does_not_wait_for_who_listens_to_logs(clients: Make, kept: Kept) -> None:
    listening, go_on = threading.Event(), threading.Event()

    class Slow(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            listening.set()
            assert go_on.wait(120)

    slow = Slow()
    kept.answers = [Outcome(refused=1, trouble="No.")]
    client = clients("shop", kept, bounds=AT_ONCE)
    logger = logging.getLogger("tracehound_client")
    logger.addHandler(slow)
    try:
        record(client, 1)
        assert listening.wait(120)
        record(client, 100)
        assert client.counts.recorded == 101
    finally:
        go_on.set()
        logger.removeHandler(slow)
    assert client.flush(120)


def test_a_transport_that_fails_is_tried_again(clients: Make) -> None:
    class Fails(Kept):
        failed = 0

        def send(self, application: str, batch: Sequence[bytes]) -> Outcome:
            self.failed += 1
            if self.failed == 1:
                raise RuntimeError("not today")
            return super().send(application, batch)

    fails = Fails()
    client = clients("shop", fails)
    record(client, 2)
    assert client.flush(120)
    assert numbers(fails) == [0, 1]


def test_a_hundred_thousand_executions_while_nothing_can_be_sent_take_bounded_memory(clients: Make, kept: Kept) -> None:
    kept.hold = threading.Event()
    client = clients("shop", kept, bounds=Bounds(memory_mb=2.0))
    record(client, 90_000)
    tracemalloc.start()  # (which makes recording much slower)
    try:
        record(client, 10_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    counts = client.counts
    assert peak < 3.5e6
    assert counts.recorded == 100_000
    assert counts.dropped > 80_000
    assert all_counted(client)
    kept.hold.set()
    assert client.flush(120)
    assert numbers(kept)[-1] == 9_999  # the latest are those that are kept
    assert all_counted(client)


def test_recording_never_waits_for_sending(clients: Make, kept: Kept) -> None:
    kept.hold = threading.Event()
    client = clients("shop", kept)
    threads = [threading.Thread(target=record, args=(client, 2_000)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)  # the transport holds all that time
        assert not thread.is_alive()
    assert client.counts.recorded == 16_000
    kept.hold.set()
    assert client.flush(120)
    assert client.counts.sent == len(kept.executions) == 16_000


def test_flush_says_when_it_was_not_in_time(clients: Make, kept: Kept) -> None:
    kept.hold = threading.Event()
    client = clients("shop", kept)
    record(client, 1)
    assert not client.flush(0.05)
    kept.hold.set()
    assert client.flush(120)


def test_closing_drops_what_cannot_be_sent_in_time_and_says_so(
    clients: Make, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    kept.answers = [Outcome(trouble="Busy.", again_in_s=200.0)]
    client = clients("shop", kept, bounds=AT_ONCE)
    record(client, 2)
    while not kept.batches:
        time.sleep(0.01)
    began = time.monotonic()
    assert not client.close(30)  # nothing is waited for that cannot come in time
    assert time.monotonic() - began < 25
    record(client, 3)
    counts = client.counts
    assert (counts.dropped, counts.recorded) == (5, 5)
    assert all_counted(client)


def test_what_cannot_be_encoded_is_counted(clients: Make, kept: Kept) -> None:
    client = clients("shop", kept)
    with client.execution("x") as execution:
        execution.attributes = None  # type: ignore[assignment]
    record(client, 1)
    assert client.flush(120)
    assert (client.counts.failed, client.counts.sent) == (1, 1)


@pytest.mark.parametrize(
    ("name", "value"), [("memory_mb", 0), ("batch", -1), ("wait_s", float("nan")), ("exit_s", "3")]
)
def test_wrong_bounds_are_told_at_once(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"The bound '{name}' must be a number > 0. Got "):
        Bounds(**{name: value})


def test_the_oldest_make_room_and_what_is_being_sent_counts() -> None:
    waiting = Waiting(1_000)
    assert [waiting.add(b"x" * 200) for _ in range(6)] == [0, 0, 0, 0, 1, 1]
    assert len(waiting.take(2, 10_000)) == 2
    assert waiting.add(b"y" * 200) == 1
    waiting.release()
    assert waiting.add(b"y" * 200) == 0
    assert waiting.add(b"z" * 2_000) == 4
    assert (len(waiting), waiting.bytes, waiting.take(9, 9)) == (0, 0, [])
