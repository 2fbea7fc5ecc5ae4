"""Queues of receivers: order, retries, giving up, and receivers that are slow or dead."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tests.streams.conftest import until
from tests.streams.notify.conftest import make_event, make_notice
from tests.virtual_time import run_in_virtual_time
from tracehound.streams.notify.delivery_queue import DeliveryQueue, QueuedNotice
from tracehound.streams.notify.metrics import NotifyMetrics, WaitingCollector
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.outcome import Delivered, Failed, Outcome, WithoutMemory
from tracehound.streams.settings.notify import NotifySettings

QUICK = NotifySettings(first_retry_s=0.01, longest_retry_s=0.02, give_up_s=5.0, attempts_at_once=2)
FOR_NOW = Failed("It is busy.", retry=True)
FOR_GOOD = Failed("It does not want this.", retry=False)


class FakeReceiver(WithoutMemory):
    """Answers each event as told, then takes it; notes what it took and how many attempts ran side by side."""

    def __init__(self) -> None:
        self.outcomes: dict[str, list[Outcome | BaseException]] = defaultdict(list)
        self.always: Outcome | None = None
        self.taken: list[str] = []
        self.attempts: list[str] = []
        self.attempted_s: list[float] = []
        self.at_once = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed = False

    async def tell(self, notice: Notice) -> Outcome:
        self.attempts.append(notice.event.id)
        self.attempted_s.append(time.monotonic())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        planned = self.outcomes[notice.event.id]
        outcome = planned.pop(0) if planned else self.always or Delivered()
        if isinstance(outcome, BaseException):
            raise outcome
        if isinstance(outcome, Delivered):
            self.taken.append(notice.event.id)
        return outcome

    async def close(self) -> None:
        self.closed = True


class Field:
    """A queue with a fake receiver; what it buries and finishes."""

    def __init__(self, settings: NotifySettings = QUICK) -> None:
        self.receiver = FakeReceiver()
        self.buried: list[tuple[str, str]] = []
        self.done: list[str] = []
        self.gone = asyncio.Event()
        self.metrics = NotifyMetrics(CollectorRegistry())
        self.failures: list[BaseException] = []
        self.reported: list[tuple[str, str, str]] = []
        self.queue = DeliveryQueue(
            *("team", "webhook", self.receiver, settings, self.metrics, self._bury, self.failures.append),
            report=self._report,
        )

    async def _report(self, notice: Notice, kind: str, reason: str) -> None:
        self.reported.append((notice.event.id, kind, reason))

    async def _bury(self, notice: Notice, reason: str) -> None:
        self.buried.append((notice.event.id, reason))

    def put(self, *names: tuple[str, int]) -> None:
        for incident_id, revision in names:
            event = make_event(incident_id, revision)
            done = partial(self.done.append, event.id)
            self.queue.put(QueuedNotice(make_notice(event), done, self.gone, time.monotonic()))

    async def finished(self, count: int) -> None:
        await until(lambda: len(self.done) >= count and not len(self.queue), f"{count} are done")

    def counted(self, name: str) -> float:
        return self.metrics.registry.get_sample_value(name, {"receiver": "team", "kind": "webhook"}) or 0.0


def run(test: Coroutine[Any, Any, None]) -> None:
    run_in_virtual_time(test)


def of(taken: Sequence[str], incident_id: str) -> list[str]:
    return [event_id for event_id in taken if event_id.startswith(incident_id)]


def test_messages_of_an_incident_keep_their_order_whatever_fails() -> None:
    async def test() -> None:
        field = Field()
        field.receiver.outcomes["a-1"] = [FOR_NOW, FOR_NOW, FOR_NOW]
        field.receiver.outcomes["a-2"] = [FOR_NOW]
        field.put(("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3))
        await field.finished(5)
        assert of(field.receiver.taken, "a") == ["a-1", "a-2", "a-3"]
        assert of(field.receiver.taken, "b") == ["b-1", "b-2"]
        assert field.buried == []
        assert field.counted("tracehound_notifications_sent_total") == 5
        assert field.counted("tracehound_notification_attempts_failed_total") == 4
        assert field.counted("tracehound_notification_attempts_repeated_total") == 4

    run(test())


def test_one_message_that_is_not_digested_holds_up_no_other_incident() -> None:
    async def test() -> None:
        field = Field(QUICK.model_copy(update={"first_retry_s": 5.0, "longest_retry_s": 5.0}))
        field.receiver.outcomes["a-1"] = [FOR_NOW] * 1_000
        field.receiver.outcomes["b-1"] = [FOR_NOW] * 1_000
        field.put(("a", 1), ("b", 1), *((f"c{number}", 1) for number in range(20)))
        await until(lambda: len(field.receiver.taken) == 20, "the others are taken")
        assert field.receiver.most_at_once == 2
        await field.queue.close()

    run(test())


def test_what_is_refused_becomes_a_dead_letter_at_once_and_the_next_goes_on() -> None:
    async def test() -> None:
        field = Field()
        field.receiver.outcomes["a-1"] = [FOR_GOOD]
        field.put(("a", 1), ("a", 2))
        await field.finished(2)
        assert field.buried == [("a-1", "The receiver 'team' (webhook) was not told: It does not want this.")]
        assert field.receiver.attempts == ["a-1", "a-2"]
        assert field.done == ["a-1", "a-2"]
        assert field.counted("tracehound_notifications_dead_lettered_total") == 1

    run(test())


def test_what_becomes_of_each_message_is_reported_once() -> None:
    async def test() -> None:
        field = Field()
        field.receiver.outcomes["a-1"] = [FOR_NOW, Delivered()]
        field.receiver.outcomes["a-2"] = [FOR_GOOD]
        field.put(("a", 1), ("a", 2))
        await field.finished(2)
        await until(lambda: len(field.reported) == 2, "both are reported")
        assert field.reported == [("a-1", "webhook", ""), ("a-2", "webhook", "It does not want this.")]
        await field.queue.close()

    run(test())


def test_what_fails_for_too_long_becomes_a_dead_letter() -> None:
    async def test() -> None:
        field = Field(QUICK.model_copy(update={"give_up_s": 0.1}))
        field.receiver.always = FOR_NOW
        field.put(("a", 1), ("a", 2))
        await field.finished(2)
        assert [event_id for event_id, _ in field.buried] == ["a-1", "a-2"]
        assert len(field.receiver.attempts) > 3

    run(test())


def test_a_receiver_that_raises_costs_that_message_only() -> None:
    async def test() -> None:
        field = Field()
        field.receiver.outcomes["a-1"] = [ValueError("a defect")]
        field.put(("a", 1), ("a", 2))
        await field.finished(2)
        assert field.buried == [("a-1", "The receiver 'team' (webhook) was not told: Telling it raised ValueError.")]
        assert field.receiver.taken == ["a-2"]

    run(test())


def test_a_receiver_that_asks_for_a_pause_gets_one_for_all_messages() -> None:
    async def test() -> None:
        field = Field(QUICK.model_copy(update={"attempts_at_once": 1}))
        field.receiver.outcomes["a-1"] = [Failed("Slower.", retry=True, after_s=0.3)]
        field.put(("a", 1))
        await asyncio.sleep(0.05)
        field.put(("b", 1))
        await field.finished(2)
        first_s, *later = field.receiver.attempted_s
        assert min(later) - first_s >= 0.299

    run(test())


def test_a_pause_beyond_the_patience_is_a_dead_letter() -> None:
    async def test() -> None:
        field = Field()
        field.receiver.outcomes["a-1"] = [Failed("Tomorrow.", retry=True, after_s=86_400)]
        field.put(("a", 1))
        await field.finished(1)
        assert len(field.buried) == 1

    run(test())


def test_a_full_queue_asks_for_patience_while_the_receiver_takes_messages() -> None:
    async def test() -> None:
        field = Field(QUICK.model_copy(update={"queue_size": 3}))
        field.receiver.gate.clear()
        assert not field.queue.is_full()
        field.put(*((f"a{number}", 1) for number in range(5)))
        assert field.queue.is_full()
        field.receiver.gate.set()
        await field.finished(5)
        assert not field.queue.is_full()
        assert field.buried == []

    run(test())


def test_a_full_queue_of_a_dead_receiver_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracehound.streams.notify.delivery_queue._STUCK_S", 0.1)

    async def test() -> None:
        field = Field(QUICK.model_copy(update={"queue_size": 2}))
        field.receiver.always = FOR_NOW
        field.put(("a", 1), ("b", 1))
        await asyncio.sleep(0.2)
        assert not field.queue.is_full()
        field.put(("c", 1))
        await asyncio.sleep(0.05)
        assert field.buried == [
            ("c-1", "The receiver 'team' (webhook) was not told: More than 2 messages wait for it (queue_size).")
        ]
        assert field.done == ["c-1"]
        field.receiver.always = None
        await field.finished(3)
        assert sorted(field.receiver.taken) == ["a-1", "b-1"]

    run(test())


def test_nothing_more_is_tried_of_a_partition_that_is_gone() -> None:
    async def test() -> None:
        field = Field(QUICK.model_copy(update={"first_retry_s": 5.0, "longest_retry_s": 5.0}))
        field.receiver.outcomes["a-1"] = [FOR_NOW]
        field.receiver.gate.clear()
        field.put(("a", 1), ("a", 2), ("b", 1))
        await asyncio.sleep(0.02)
        field.gone.set()
        settled = asyncio.create_task(field.queue.settle(5.0))
        await asyncio.sleep(0.02)
        assert not settled.done()
        field.receiver.gate.set()
        await settled
        await until(lambda: not len(field.queue), "nothing waits", timeout_s=3.0)
        assert field.receiver.attempts == ["a-1", "b-1"]
        assert (field.done, field.buried) == (["b-1"], [])

    run(test())


def test_closing_abandons_what_is_under_way() -> None:
    async def test() -> None:
        field = Field()
        field.receiver.gate.clear()
        field.put(("a", 1))
        await asyncio.sleep(0.02)
        await field.queue.settle(0.02)
        await field.queue.close()
        assert field.receiver.closed
        assert (field.done, field.buried) == ([], [])

    run(test())


def test_a_dead_letter_that_cannot_be_sent_is_fatal() -> None:
    async def test() -> None:
        field = Field()
        refused = RuntimeError("Kafka refuses")

        async def bury(notice: Notice, reason: str) -> None:
            raise refused

        field.queue._bury = bury
        field.receiver.outcomes["a-1"] = [FOR_GOOD]
        field.put(("a", 1))
        await asyncio.sleep(0.05)
        assert field.failures == [refused]
        assert field.done == []

    run(test())


def test_what_waits_is_a_metric() -> None:
    registry = CollectorRegistry()
    registry.register(WaitingCollector(lambda: {("team", "webhook"): 3}))
    labels = {"receiver": "team", "kind": "webhook"}
    assert registry.get_sample_value("tracehound_notifications_waiting", labels) == 3
