"""A request that is sent again with its key is taken once."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from tests.streams.gateway.conftest import JSON, Answer, FakeSender, ask, asked, made
from tracehound.streams.gateway.repeats import HEADER, LONGEST_KEY, REPLAYED, Repeats
from tracehound.streams.http.keys import new_key
from tracehound.streams.http.refusal import put_off
from tracehound.streams.http.sending import Record

EXECUTION = {"application": "shop", "operation": "GET /", "started_at": int(time.time()), "duration_ms": 5.0}
EVENT = {"message": "CPU spike detected", "level": "warning"}
BODIES: dict[str, dict[str, Any]] = {"/v1/executions": EXECUTION, "/log": EVENT, "/v1/log": EVENT}


def keyed(key: str = "k1", **more: str) -> Mapping[str, str]:
    return {**JSON, HEADER: key, **more}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("path", BODIES)
def test_what_was_taken_is_answered_the_same_and_not_taken_again(path: str) -> None:
    sender = FakeSender()
    gateway, body = made(sender), encoded(BODIES[path])
    first, again = (ask(gateway, "POST", path, body, keyed()) for _ in range(2))
    assert (first.status, again.status, again.body) == (200, 200, first.body)
    assert (REPLAYED.lower() in first.headers, again.headers[REPLAYED.lower()]) == (False, "true")
    assert len(sender.records) == 1
    assert ask(gateway, "POST", path, body, keyed("k2")).status == 200
    assert ask(gateway, "POST", path, body, JSON).status == 200
    assert len(sender.records) == 3


def test_a_key_with_another_body_is_refused() -> None:
    sender = FakeSender()
    gateway = made(sender)
    assert ask(gateway, "POST", "/log", encoded(EVENT), keyed()).status == 200
    other = ask(gateway, "POST", "/log", encoded([EVENT, EVENT]), keyed())
    assert (other.status, other.json["reason"], len(sender.records)) == (422, "idempotency_key", 1)
    assert ask(gateway, "POST", "/v1/executions", encoded(EXECUTION), keyed()).status == 200


def test_what_was_not_taken_is_tried_again() -> None:
    sender = FakeSender(failure=put_off("kafka_away", "Kafka is away.", 1))
    gateway = made(sender)
    assert ask(gateway, "POST", "/v1/executions", encoded(EXECUTION), keyed()).status == 503
    sender.failure = None
    assert ask(gateway, "POST", "/v1/executions", encoded(EXECUTION), keyed()).status == 200
    assert len(sender.records) == 1


@pytest.mark.parametrize("wrong", ["", "a b", "x" * (LONGEST_KEY + 1), "\xe9"])
def test_a_key_that_is_none_is_refused(wrong: str) -> None:
    answer = ask(made(FakeSender()), "POST", "/log", encoded(EVENT), keyed(wrong))
    assert (answer.status, answer.json["reason"]) == (400, "idempotency_key")


def test_senders_do_not_know_each_others_keys() -> None:
    sender, keys = FakeSender(), [new_key(), new_key()]
    gateway = made(sender, keys={key.prefix: {"sha256": key.sha256} for key in keys})
    for key in keys:
        answer = ask(gateway, "POST", "/log", encoded(EVENT), {**keyed(), "x-api-key": key.key})
        assert (answer.status, REPLAYED.lower() in answer.headers) == (200, False)
    assert len(sender.records) == 2


class SlowSender(FakeSender):
    """Keeps records once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def send(self, records: Sequence[Record]) -> None:
        self.asked.set()
        await self.go.wait()
        await super().send(records)


def test_the_same_while_it_is_under_way_waits_for_it() -> None:
    async def both() -> tuple[list[Answer], int]:
        sender = SlowSender()
        gateway = made(sender)

        async def body() -> AsyncIterator[bytes]:
            yield encoded(EVENT)

        tasks = [asyncio.create_task(asked(gateway, "POST", "/log", keyed(), body()))]
        await sender.asked.wait()
        tasks.append(asyncio.create_task(asked(gateway, "POST", "/log", keyed(), body())))
        await asyncio.sleep(0)
        sender.go.set()
        return await asyncio.gather(*tasks), len(sender.records)

    (first, again), records = asyncio.run(both())
    assert (first.status, again.status, first.body, records) == (200, 200, again.body, 1)


def test_what_is_remembered_has_a_bound() -> None:
    repeats = Repeats(most_bytes=10_000)
    for number in range(100):
        repeats._remember(str(number).encode(), b"", b"x" * 700)
    assert repeats.nbytes <= 10_000
    assert list(repeats._answers) == [str(number).encode() for number in range(90, 100)]
