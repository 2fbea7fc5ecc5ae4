"""The load keeps its times, whatever the client and the broker do."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME

from tracehound.scripts.benchmarks.latency.load import send_in_time
from tracehound.scripts.benchmarks.latency.workload import Timed

RECORDS = [Timed(0.0, b"k", b"0", ""), Timed(0.01, b"k", b"1", "p-0"), Timed(0.02, b"k", b"2", "p-1")]


class Clock:
    """Stands still but when somebody sleeps, and a little when it is read."""

    def __init__(self) -> None:
        self.now_s = 50.0

    def read(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Message:
    def __init__(self, kind: int, moment_ms: int) -> None:
        self._stamp = (kind, moment_ms)

    def timestamp(self) -> tuple[int, int]:
        return self._stamp


class Client:
    """Acknowledges at once; full while ``full`` says so."""

    def __init__(self, clock: Clock, kind: int = TIMESTAMP_LOG_APPEND_TIME, error: str | None = None) -> None:
        self.sent: list[tuple[float, bytes]] = []
        self.full: Callable[[], bool] = lambda: False
        self._clock, self._kind, self._error = clock, kind, error

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Callable[[Any, Any], None]) -> None:
        if self.full():
            raise BufferError
        self.sent.append((self._clock.now_s, value))
        on_delivery(self._error, Message(self._kind, int(self._clock.now_s * 1000)))

    def poll(self, timeout: float) -> int:
        return 0

    def flush(self, timeout: float) -> int:
        return 0


def test_records_leave_at_their_time_and_planted_ones_are_told() -> None:
    clock = Clock()
    client = Client(clock)

    sent = send_in_time(client, "topic", RECORDS, clock.read, clock.sleep)

    assert [at_s - 50.0 for at_s, _ in client.sent] == pytest.approx([0.0, 0.01, 0.02], abs=0.0011)
    assert (sent.records, sent.failure) == (3, "")
    assert sent.appended_ms == {"p-0": pytest.approx(50_010, abs=1), "p-1": pytest.approx(50_020, abs=1)}
    assert sent.behind_ms < 1.1


def test_after_a_stall_everything_due_leaves_at_once() -> None:
    clock = Clock()
    client = Client(clock)
    client.full = lambda: 50.005 < clock.now_s < 51.0

    sent = send_in_time(client, "topic", RECORDS, clock.read, clock.sleep)

    assert [value for _, value in client.sent] == [b"0", b"1", b"2"]
    assert client.sent[1][0] == client.sent[2][0] >= 51.0
    assert sent.behind_ms == pytest.approx(990.0, abs=2.0)


@pytest.mark.parametrize(
    ("kind", "error", "failure"),
    [
        (TIMESTAMP_LOG_APPEND_TIME, "full disk", "full disk"),
        (TIMESTAMP_CREATE_TIME, None, "the broker did not say when it appended a record"),
    ],
)
def test_what_the_broker_did_not_take_or_stamp_is_told(kind: int, error: str | None, failure: str) -> None:
    clock = Clock()

    sent = send_in_time(Client(clock, kind, error), "topic", RECORDS, clock.read, clock.sleep)

    assert sent.failure == failure
    assert sent.appended_ms == {}
