"""Executions are recorded around blocks, functions and coroutine functions, and reach Kafka as workers read them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

from tests.client.conftest import Kept, Reached
from tracehound_client import Client, Gateway, current, segment
from tracehound_client.executions import MOST_SEGMENTS

Make = Callable[..., Client]


@pytest.fixture
def client(clients: Make, kept: Kept) -> Client:
    return clients("shop", kept, environment="test", version="1.2", host="here")


def recorded(client: Client, kept: Kept) -> list[dict[str, Any]]:
    assert client.flush(120)
    return kept.executions


def test_what_is_recorded_arrives_in_kafka(gateway: Reached, clients: Make) -> None:
    client = clients("arrives", Gateway(gateway.url), environment="test", version="1.2", host="here")

    @client.execution("GET /cart")
    def cart(shelf: int) -> int:
        with segment("SELECT cart", "db", peer="postgres"), segment("decode"):
            execution = current()
            assert execution is not None
            execution.attributes["shelf"] = shelf
        return shelf

    assert [cart(shelf) for shelf in range(3)] == [0, 1, 2]
    assert client.flush(120)

    assert client.counts.sent == client.counts.recorded == 3
    first = gateway.executions("arrives", 3)[0]
    assert (first.operation, first.kind, first.status) == ("GET /cart", "request", "ok")
    assert (first.environment, first.version, first.host) == ("test", "1.2", "here")
    assert first.attributes == {"shelf": 0}
    outer, inner = first.segments
    assert (outer.name, outer.kind, outer.peer, outer.parent) == ("SELECT cart", "db", "postgres", None)
    assert (inner.name, inner.kind, inner.parent) == ("decode", "code", 0)
    assert outer.offset_ms is not None
    assert inner.offset_ms is not None
    assert 0 <= outer.offset_ms <= inner.offset_ms <= first.duration_ms
    assert inner.duration_ms <= outer.duration_ms <= first.duration_ms


def test_an_exception_goes_on_its_way_and_is_told(client: Client, kept: Kept) -> None:
    @client.execution()
    def fails() -> None:
        with segment("part"):
            raise KeyError("shelf")

    with pytest.raises(KeyError, match="shelf"):
        fails()
    (one,) = recorded(client, kept)
    assert one["operation"].endswith("fails")
    assert one["status"] == one["segments"][0]["status"] == "error"
    assert one["error"] == {"type": "KeyError", "message": "'shelf'", "handled": False}


def test_a_handled_exception_makes_no_failure(client: Client, kept: Kept) -> None:
    with client.execution("nightly", "job") as execution:
        execution.fail(ValueError("no"), handled=True)
        execution.result = "partly"
    (one,) = recorded(client, kept)
    assert (one["kind"], one["status"], one["result"], one["error"]["handled"]) == ("job", "ok", "partly", True)


def test_what_only_stops_it_is_no_failure(client: Client, kept: Kept) -> None:
    async def cancelled() -> None:
        @client.execution("waits")
        async def waits() -> None:
            await asyncio.sleep(60)

        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    with pytest.raises(SystemExit), client.execution("ends"):
        raise SystemExit(0)
    assert [(one["status"], one["result"], "error" in one) for one in recorded(client, kept)] == [
        ("unset", "CancelledError", False),
        ("unset", "SystemExit", False),
    ]


def test_an_exception_that_cannot_say_what_it_is_does_not_matter(client: Client, kept: Kept) -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(MuteError), client.execution("x"):
        raise MuteError
    assert recorded(client, kept)[0]["error"]["message"] == ""


def test_tasks_and_threads_keep_their_executions_apart(client: Client, kept: Kept) -> None:
    @client.execution("task")
    async def task(number: int) -> int:
        with segment(f"outer {number}"):
            await asyncio.sleep(0.001)
            await asyncio.to_thread(in_thread, number)
        return number

    @segment()
    def in_thread(number: int) -> None:
        execution = current()
        assert execution is not None
        execution.attributes["number"] = number

    async def several() -> list[int]:
        return await asyncio.gather(*map(task, range(20)))

    with ThreadPoolExecutor(4) as pool:
        assert [found for one in pool.map(lambda _: asyncio.run(several()), range(4)) for found in one] == [
            *range(20)
        ] * 4
    assert current() is None
    executions = recorded(client, kept)
    assert len(executions) == 80
    for one in executions:
        number = one["attributes"]["number"]
        outer, inner = one["segments"]
        assert outer["name"] == f"outer {number}"
        assert (inner["name"].endswith("in_thread"), inner["parent"]) == (True, 0)


def test_a_plain_thread_is_outside_unless_it_is_given_the_context(client: Client, kept: Kept) -> None:
    def part() -> None:
        with segment("part"):
            pass

    with client.execution("x"):
        for target, arguments in ((part, ()), (copy_context().run, (part,))):
            thread = threading.Thread(target=target, args=arguments)
            thread.start()
            thread.join()
    assert len(recorded(client, kept)[0]["segments"]) == 1


def test_an_execution_within_another_is_one_of_its_own_in_the_same_trace(client: Client, kept: Kept) -> None:
    with client.execution("outer") as outer, segment("call"):
        with client.execution("inner"):
            assert current() is not outer
            with segment("of inner"):
                pass
        assert current() is outer
    inner, around = recorded(client, kept)
    assert [one["name"] for one in inner["segments"]] == ["of inner"]
    assert [one["name"] for one in around["segments"]] == ["call"]
    assert (inner["trace_id"], inner["parent_span_id"]) == (around["trace_id"], around["span_id"])


@pytest.mark.parametrize("header", ["", "nonsense", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "ff-" + "1" * 32])
def test_who_asked_is_the_parent_where_the_header_is_valid(header: str, client: Client, kept: Kept) -> None:
    with client.execution("caller") as caller:
        pass
    for given in (caller.traceparent, header):
        with client.execution("called", traceparent=given):
            pass
    caller_, called, alone = recorded(client, kept)
    assert (called["trace_id"], called["parent_span_id"]) == (caller_["trace_id"], caller_["span_id"])
    assert alone["trace_id"] != caller_["trace_id"]
    assert "parent_span_id" not in alone


def test_segments_are_bounded_and_those_left_out_are_told(client: Client, kept: Kept) -> None:
    with client.execution("many"):
        for _ in range(MOST_SEGMENTS + 7):
            with segment("s"), segment("t"):
                pass
    (one,) = recorded(client, kept)
    assert len(one["segments"]) == MOST_SEGMENTS
    assert one["attributes"] == {"segments_left_out": MOST_SEGMENTS + 14}


def test_a_segment_that_has_not_ended_lasts_as_long_as_the_whole(client: Client, kept: Kept) -> None:
    with client.execution("x"):
        open_ = segment("left open")
        open_.__enter__()
    open_.__exit__(None, None, None)
    (one,) = recorded(client, kept)
    (left,) = one["segments"]
    assert left["offset_ms"] + left["duration_ms"] == pytest.approx(one["duration_ms"], abs=0.01)


def test_a_generator_that_is_thrown_away_in_the_midst_of_a_segment_leaves_nothing_behind(
    client: Client, kept: Kept
) -> None:
    def pieces() -> Iterator[int]:
        with segment("piece"):
            yield 1

    def within() -> Iterator[int]:
        with client.execution("within"):
            yield 1

    with client.execution("x"):
        left = pieces()
        next(left)
    other = within()
    next(other)
    with client.execution("y"):
        left.close()  # type: ignore[attr-defined]
        other.close()  # type: ignore[attr-defined]
        with segment("of y"):
            pass
    assert [one["name"] for one in recorded(client, kept)[-1]["segments"]] == ["of y"]


def test_generator_functions_are_refused_where_they_are_decorated(client: Client) -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    for function in (numbers, later):
        with pytest.raises(TypeError, match="generator function"):
            client.execution("x")(function)


@pytest.mark.parametrize(
    ("given", "said"), [({"application": ""}, "application"), ({"environment": "e" * 201}, "environment")]
)
def test_wrong_names_are_told_at_once(given: dict[str, str], said: str, kept: Kept) -> None:
    with pytest.raises(ValueError, match=f"The '{said}' must be"):
        Client(**{"application": "shop", "transport": kept, **given})  # type: ignore[arg-type]
