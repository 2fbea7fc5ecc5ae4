"""The demo's data: who may have it sent, that it is bounded and no faster than it is scored, and how it ends."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.console.asking import FakeSender, asking
from tracehound.console.demo_data import feeding
from tracehound.console.demo_data.feeding import DemoData
from tracehound.console.store.engine import Store
from tracehound.schemas.execution import Execution
from tracehound.schemas.feedback import Maintenance
from tracehound.schemas.topics import Topics
from tracehound.scripts.simulator.demo_data import DemoSimulation
from tracehound.streams.http.refusal import RequestRefusedError, put_off

TOPICS = Topics("test.", 2)


class Clock:
    """Goes on by a second each time that it is looked at."""

    def __init__(self) -> None:
        self.now_s = 10_000.0

    def __call__(self) -> float:
        self.now_s += 1.0
        return self.now_s


class Steady:
    """An execution a second."""

    def __init__(self, start_s: float, live_s: float) -> None:
        self.reached_s, self.live_s = start_s, live_s

    def until(self, now_s: float) -> Sequence[Execution]:
        found = []
        while self.reached_s + 1 <= now_s:
            self.reached_s += 1
            found.append(Execution("shop", "GET /cart", self.reached_s, 1.0))
        return found


def run(monkeypatch: pytest.MonkeyPatch, sender: Any, scored: Any) -> DemoData:
    monkeypatch.setattr(feeding, "_LIVE_STEP_S", 0.0)
    monkeypatch.setattr(feeding, "_LOOK_S", 0.0)

    async def whole() -> DemoData:
        demo = DemoData(Steady, sender, TOPICS, scored, Clock())
        demo.start("Ada")
        with pytest.raises(RequestRefusedError, match="under way already"):
            demo.start("Bob")
        assert demo.under_way
        await demo.ended()
        return demo

    return asyncio.run(asyncio.wait_for(whole(), 120))


def test_all_of_it_is_sent_in_order_in_an_environment_of_its_own_and_its_end_alarms_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender = FakeSender()
    demo = run(monkeypatch, sender, lambda: 10**9)
    *records, last = sender.records
    sent = [one for record in records for one in msgspec.json.decode(record.value, type=list[Execution])]
    times = [float(one.started_at) for one in sent]
    assert times == sorted(times)
    assert 1_150 < len(sent) < 1_250  # twenty minutes
    assert {(one.environment, record.topic) for one in sent for record in records} == {("demo", TOPICS.executions.name)}
    window = msgspec.json.decode(last.value, type=Maintenance)
    assert (last.topic, window.environment, window.by) == (TOPICS.maintenance.name, "demo", "Ada")
    assert window.starts_at >= times[-1]
    assert demo.told() == ""


def test_the_past_is_sent_no_faster_than_it_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "_ON_THE_WAY", 100)
    sender, found = FakeSender(), list[int]()

    def scored() -> int:
        sent = sum(record.value.count(b'"application"') for record in sender.records)
        if found:
            assert sent - found[-1] <= 100 + 60  # what was on the way, and a step
        found.append(sent if not found else min(sent, found[-1] + 20))
        return found[-1]

    run(monkeypatch, sender, scored)
    assert len(found) > 20


def test_where_kafka_is_away_it_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away(FakeSender):
        async def send(self, records: Any) -> None:
            raise put_off("kafka_away", "Kafka cannot be reached.", 5)

    demo = run(monkeypatch, Away(), lambda: 0)
    assert demo.told() == "The demo's data ended early: Kafka cannot be reached."


def test_what_it_asks_of_the_store_is_over_when_it_has_been_stopped() -> None:
    begun, go_on, over = threading.Event(), threading.Event(), threading.Event()

    def scored() -> int:
        begun.set()
        assert go_on.wait(120)
        over.set()
        return 0

    async def whole() -> None:
        demo = DemoData(Steady, FakeSender(), TOPICS, scored, Clock())
        demo.start("Ada")
        assert await asyncio.to_thread(begun.wait, 120)
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        await demo.stop()
        assert over.is_set()
        assert not demo.under_way

    asyncio.run(asyncio.wait_for(whole(), 120))


def test_operators_may_have_it_sent_where_there_is_any(store: Store) -> None:
    with asking(store) as console:
        assert console.ask("POST", "/demo-data", "viewer").status_code == 403
        assert console.ask("POST", "/demo-data", "operator").status_code == 409
    with asking(store, simulate=Steady) as console:
        assert console.ask("POST", "/demo-data", "operator").json()["environment"] == "demo"
        assert console.ask("POST", "/demo-data", "operator").status_code == 409
        app: Any = console.client.app
        assert console.client.portal is not None
        console.client.portal.call(app.state.demo.stop)
        assert not app.state.demo.under_way


def test_the_simulation_tells_each_execution_once_and_one_application_waits_for_its_database() -> None:
    simulation = DemoSimulation(0.0, 600.0)
    usual = [one.duration_ms for one in simulation.until(550.0) if one.application == "orders"]
    late = [
        one.duration_ms
        for one in simulation.until(600.0)
        if one.application == "orders" and float(one.started_at) > 565
    ]
    assert sorted(late)[len(late) // 2] > 2 * sorted(usual)[len(usual) // 2]
    assert simulation.until(600.0) == []
