"""The notifier on Kafka: at least once, in order, through restarts, rebalances and receivers that are away."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.streams.conftest import until
from tests.streams.notify.conftest import StandIn, make_event, stand_in, status
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.dead_letter import read_dead_letter
from tracehound.schemas.delivery import DeliveryEvent
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.topics import Topics
from tracehound.streams.notify.app import build_notify
from tracehound.streams.notify.service import NotifyApp
from tracehound.streams.settings.settings import Settings, load_settings

PARTITIONS = 2
SECRETS = {"S": "k" * 24}
Given = dict[str, Any]


class Field:
    """The topics of one test, and notifiers on them."""

    def __init__(self, broker: Broker, prefix: str) -> None:
        self.topics = Topics(prefix, PARTITIONS)
        broker.create_topics(self.topics)
        self.broker = broker
        self._producer = Producer({**broker.client_config, "partitioner": "murmur2_random", "linger.ms": 1})

    def settings(self, notify: Given) -> Settings:
        quick = {"first_retry_s": 0.05, "longest_retry_s": 0.1, "group_id": self.topics.prefix + "notify"}
        return load_settings(
            bootstrap_servers=self.broker.bootstrap_servers,
            topic_prefix=self.topics.prefix,
            partitions=PARTITIONS,
            commit_interval_s=0.1,
            finish_timeout_s=5.0,
            session_timeout_s=6.0,
            broker_is_embedded=self.broker.embedded,
            notify=quick | notify,
        )

    def send(self, *events: IncidentEvent | bytes, at_s: float | None = None) -> None:
        for event in events:
            value = event if isinstance(event, bytes) else msgspec.json.encode(event)
            key = b"k" if isinstance(event, bytes) else event.data.incident_id.encode()
            timestamp = {} if at_s is None else {"timestamp": int(at_s * 1000)}
            self._producer.produce(self.topics.severity.name, value, key, **timestamp)
        assert self._producer.flush(120) == 0

    def dead_letters(self, count: int) -> list[Any]:
        found = self._read(self.topics.dead_letters.name, count)
        return [read_dead_letter(one.value(), one.key(), one.headers()) for one in found]

    def reports(self, count: int) -> list[DeliveryEvent]:
        found = self._read(self.topics.deliveries.name, count)
        return [msgspec.json.decode(one.value(), type=DeliveryEvent) for one in found]

    def _read(self, topic: str, count: int) -> list[Any]:
        consumer = Consumer({**self.broker.client_config, "group.id": "letters", "auto.offset.reset": "earliest"})
        consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        found: list[Any] = []
        deadline = time.monotonic() + 120
        while len(found) < count and time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                found.append(message)
        consumer.close()
        return found

    @asynccontextmanager
    async def notifier(self, notify: Given, *, killed: bool = False) -> AsyncIterator[NotifyApp]:
        """A notifier for as long as the block; ``killed``: it ends without finishing or committing anything."""
        worker = build_notify(self.settings(notify), SECRETS)
        app = worker.app
        assert isinstance(app, NotifyApp)
        async with worker.closing:
            try:
                await app.start()
                await until(lambda: app.crashed or app.notifier.partitions() is not None, "it reads")
                yield app
            finally:
                if killed:
                    assert app._serving is not None
                    app._serving.cancel()
                await app.stop()
        assert killed or app.crash_reason is None
        assert worker.failure.reason is None


@pytest.fixture
def field(any_kafka: Broker, prefix: str) -> Field:
    return Field(any_kafka, prefix)


def to(receivers: dict[str, StandIn], **more: Any) -> Given:
    """Settings with a webhook for each server, all of which get everything."""
    return {
        "receivers": {
            name: {"kind": "webhook", "url": server.url + "/", "secret_env": "S"} for name, server in receivers.items()
        },
        "routes": [{"receivers": list(receivers)}],
    } | more


ON_APACHE_KAFKA = pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
ON_EMBEDDED_KAFKA = pytest.mark.parametrize("any_kafka", ["embedded"], indirect=True)


def ids(server: StandIn) -> list[str]:
    return [request.headers["webhook-id"] for request in server.requests]


def is_committed(app: NotifyApp) -> bool:
    """Whether everything that is done by now is committed."""
    notifier = app.notifier
    return all(notifier._committed.get(tp) == one.commit() for tp, one in notifier._partitions.items())


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 480))


@ON_EMBEDDED_KAFKA
def test_every_change_from_the_first_start_on_is_told_once(field: Field) -> None:
    field.send(make_event("before"))

    async def test() -> None:
        async with stand_in() as server:
            async with field.notifier(to({"team": server})):
                field.send(make_event("a"), make_event("b"), make_event("a", 2, "updated"))
                field.send(make_event("a", 2, "updated"), make_event("before", 2, "resolved"))
                await until(lambda: len(ids(server)) == 4, "all are told")
            async with field.notifier(to({"team": server})):
                field.send(make_event("a", 3, "resolved"))
                await until(lambda: len(ids(server)) == 5, "the end is told")
            assert sorted(ids(server)) == ["a-1", "a-2", "a-3", "b-1", "before-2"]
            assert [one for one in ids(server) if one.startswith("a")] == ["a-1", "a-2", "a-3"]

    run(test())


@ON_APACHE_KAFKA
def test_after_a_crash_what_was_not_taken_is_told_and_its_id_is_the_same(field: Field) -> None:
    async def test() -> None:
        async with stand_in() as healthy, stand_in() as broken:
            broken.then = status(503)
            both = to({"healthy": healthy, "broken": broken})
            async with field.notifier(both, killed=True) as app:
                field.send(*(make_event(f"i{number}") for number in range(10)))
                await until(lambda: len(ids(healthy)) == 10 and len(set(ids(broken))) >= 4, "they are under way")
                await until(lambda: not len(app.queues["healthy"]) and is_committed(app), "that is committed")
            broken.requests.clear()
            broken.then = status(202)
            async with field.notifier(both):
                field.send(make_event("last"))
                await until(lambda: "last-1" in ids(healthy) and len(ids(broken)) == 11, "all are told")
            assert sorted(ids(broken)) == sorted([*(f"i{number}-1" for number in range(10)), "last-1"])
            repeated = len(ids(healthy)) - len(set(ids(healthy)))
            assert repeated == 0, "what the healthy one had taken was kept beside the committed offset"

    run(test())


@ON_EMBEDDED_KAFKA
def test_an_end_that_comes_after_a_restart_finds_who_was_told(field: Field) -> None:
    async def test() -> None:
        async with stand_in() as server:
            grave = to({"team": server})
            grave["routes"][0]["severity"] = "major"
            async with field.notifier(grave):
                field.send(make_event("told"), make_event("minor", severity="minor"))
                await until(lambda: ids(server) == ["told-1"], "one is told")
            field.send(make_event("told", 2, "resolved", "minor"), make_event("minor", 2, "resolved", "minor"))
            async with field.notifier(grave):
                field.send(make_event("other"))
                await until(lambda: len(ids(server)) == 3, "the others are told")
            assert sorted(ids(server)) == ["other-1", "told-1", "told-2"]

    run(test())


@ON_EMBEDDED_KAFKA
def test_a_dead_receiver_does_not_hold_up_others_and_its_messages_become_dead_letters(field: Field) -> None:
    async def test() -> None:
        async with stand_in() as healthy, stand_in() as broken:
            broken.then = status(500)
            async with field.notifier(to({"healthy": healthy, "broken": broken}, give_up_s=1.0)):
                field.send(make_event("a"), b"no incident")
                await until(lambda: ids(healthy) == ["a-1"], "the healthy one is told")
                letters = await asyncio.to_thread(field.dead_letters, 2)
            by_error = {letter.error: letter for letter in letters}
            assert by_error.keys() == {"NotDelivered", "InvalidEvent"}
            given_up = by_error["NotDelivered"]
            assert (given_up.stage, given_up.key, given_up.topic) == ("notify", b"a", field.topics.severity.name)
            assert given_up.value == msgspec.json.encode(make_event("a"))
            assert given_up.reason.startswith("The receiver 'broken' (webhook) was not told: The answer has status 500")
            assert by_error["InvalidEvent"].value == b"no incident"
            reports = await asyncio.to_thread(field.reports, 2)
            assert {(one.data.receiver, one.data.outcome) for one in reports} == {
                *(("healthy", "delivered"), ("broken", "given_up"))
            }
            healthy.requests.clear()
            async with field.notifier(to({"healthy": healthy, "broken": broken}, give_up_s=1.0)):
                field.send(make_event("b"))
                await until(lambda: ids(healthy) == ["b-1"], "the next is told")

    run(test())


@ON_APACHE_KAFKA
def test_what_is_held_outlives_a_restart(field: Field) -> None:
    """The route's hours are over when the incident comes, and begin again while nobody runs."""

    async def test() -> None:
        async with stand_in() as server:
            settings = to({"team": server})
            now_s = time.time()
            opens, closes = (time.strftime("%H:%M", time.gmtime(now_s + shift)) for shift in (7_200, 10_800))
            settings["routes"][0]["hours"] = {"begins": opens, "ends": closes}
            async with field.notifier(settings):
                field.send(make_event("held"), make_event("grave", severity="critical"))
                await until(lambda: ids(server) == ["grave-1"], "critical passes")
            always = to({"team": server})
            async with field.notifier(always):
                await until(lambda: "held-1" in ids(server), "the held one is told")
            assert ids(server) == ["grave-1", "held-1"]

    run(test())


@ON_EMBEDDED_KAFKA
def test_an_alertmanager_is_told_again_after_a_restart(field: Field) -> None:
    async def test() -> None:
        async with stand_in() as server:
            settings: Given = {
                "receivers": {"alerts": {"kind": "alertmanager", "url": server.url, "resend_s": 0.2}},
                "routes": [{"receivers": ["alerts"]}],
            }
            async with field.notifier(settings):
                field.send(make_event("open"), make_event("over"))
                await until(lambda: len(server.requests) >= 2, "both are told")
                field.send(make_event("over", 2, "resolved"))
                await until(lambda: b'"over"' in server.requests[-1].body and len(server.requests) > 5, "and the end")
            server.requests.clear()
            async with field.notifier(settings):
                await until(lambda: len(server.requests) >= 3, "it is told again")
            told = {alert["labels"]["incident_id"] for request in server.requests for alert in request.json}
            assert told == {"open"}

    run(test())


@ON_APACHE_KAFKA
def test_partitions_that_move_repeat_nothing_that_was_taken(field: Field) -> None:
    async def test() -> None:
        async with stand_in() as server:
            settings = to({"team": server})
            async with field.notifier(settings) as first:
                field.send(*(make_event(f"a{number}") for number in range(20)))
                await until(lambda: len(ids(server)) == 20, "all are told")
                async with field.notifier(settings) as second:
                    await until(
                        lambda: (
                            first.notifier.partitions() in ([0], [1]) and second.notifier.partitions() in ([0], [1])
                        ),
                        "they share the partitions",
                    )
                    field.send(*(make_event(f"a{number}", 2, "resolved") for number in range(20)))
                    await until(lambda: len(ids(server)) == 40, "all ends are told")
                await until(lambda: first.notifier.partitions() == [0, 1], "the first has all again")
                field.send(make_event("last"))
                await until(lambda: "last-1" in ids(server), "the last is told")
            assert len(ids(server)) == len(set(ids(server))) == 41

    run(test())


@ON_APACHE_KAFKA
def test_a_slow_receiver_holds_up_reading_and_loses_nothing(field: Field) -> None:
    async def slowly(_: Any) -> web.StreamResponse:
        await asyncio.sleep(0.005)
        return web.Response()

    async def test() -> None:
        async with stand_in() as server:
            server.then = slowly
            async with field.notifier(to({"team": server}, queue_size=5)) as app:
                field.send(*(make_event(f"i{number}") for number in range(300)))
                await until(lambda: len(app.queues["team"]) > 5, "it waits")
                await until(lambda: len(ids(server)) == 300, "all are told")
            assert len(set(ids(server))) == 300

    run(test())
