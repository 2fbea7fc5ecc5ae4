"""Whoever reads topics in runs is told of their partitions, and of no others."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Collection, Mapping

import pytest
from faust.types import TP

from tracehound.streams.kafka.runs.app import RunApp
from tracehound.streams.kafka.runs.run import Run, RunListener


class Noting(RunListener):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.hangs = False

    async def assigned(self, partitions: Collection[TP]) -> None:
        self.told.append(("assigned", sorted(partitions)))

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        self.told.append(("positioned", dict(committed)))

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        self.told.append(("lost", tp, wanted, resumed_at))

    async def finish_runs(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        self.told.append("finished")


async def read(runs: AsyncIterable[Run], noting: Noting) -> None:
    async for _ in runs:
        noting.told.append("read")


class Idle:
    """What stopping the flow needs of a consumer."""

    def stop_flow(self) -> None: ...


class Quick(RunApp):
    """An app that nobody connects."""

    def __init__(self, lost: list[int], reassigned: Callable[[], object] = lambda: None) -> None:
        super().__init__(
            "quick", patience_s=0.05, lost=lost.append, reassigned=reassigned, broker="kafka://127.0.0.1:1"
        )

    @property
    def consumer(self) -> Idle:
        return Idle()


def run(test: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(120):
            await test

    asyncio.run(limited())


def test_a_rebalance_is_over_once_all_listeners_know_their_partitions() -> None:
    async def test() -> None:
        one, other, known = Noting(), Noting(), list[int]()
        app = Quick([], lambda: known.append(len(one.told) + len(other.told)))
        app.read_runs(["a"], read, one)
        app.read_runs(["b"], read, other)
        await app.on_partitions_assigned.send({TP("a", 0), TP("b", 1)})
        await app.on_partitions_assigned.send(set())
        assert known == [2, 4]

    run(test())


def test_each_listener_is_told_of_its_own_topics_and_losses_are_counted() -> None:
    async def test() -> None:
        lost: list[int] = []
        app, both, other = Quick(lost), Noting(), Noting()
        app.read_runs(["a", "b"], read, both)
        app.read_runs(["c"], read, other)
        assert set(app.run_topics) == {"a", "b", "c"}
        await app.on_partitions_assigned.send({TP("a", 0), TP("b", 1)})
        app.positioned({TP("a", 0): 5, TP("c", 2): None, TP("unknown", 0): 1})
        app.positioned({TP("b", 1): 7})
        app.offsets_lost(TP("c", 2), 10, 14)
        app.offsets_lost(TP("a", 0), 14, 0)
        await app.finish_runs()
        assert both.told == [
            ("assigned", [TP("a", 0), TP("b", 1)]),
            ("positioned", {TP("a", 0): 5}),
            ("positioned", {TP("b", 1): 7}),
            ("lost", TP("a", 0), 14, 0),
            "finished",
        ]
        assert other.told == [
            ("assigned", []),
            ("positioned", {TP("c", 2): None}),
            ("lost", TP("c", 2), 10, 14),
            "finished",
        ]
        assert lost == [4, 0], "a partition that begins anew has lost nothing that can be counted"

    run(test())


def test_what_expires_unread_is_not_lost() -> None:
    lost: list[int] = []
    app, asked = Quick(lost), Noting()
    asked.expires = True
    app.read_runs(["a"], read, asked)
    app.offsets_lost(TP("a", 0), 10, 14)
    assert (lost, asked.told) == ([], [("lost", TP("a", 0), 10, 14)])


def test_who_does_not_finish_in_time_holds_up_nobody_else(capsys: pytest.CaptureFixture[str]) -> None:
    async def test() -> None:
        app, hanging, quick = Quick([]), Noting(), Noting()
        hanging.hangs = True
        app.read_runs(["a"], read, hanging)
        app.read_runs(["b"], read, quick)
        await app.finish_runs()
        assert (hanging.told, quick.told) == ([], ["finished"])

    run(test())
    assert "runs_given_up" in capsys.readouterr().out


def test_an_error_of_what_is_repeated_ends_the_app() -> None:
    async def test() -> None:
        app = Quick([])

        async def fail() -> None:
            raise ArithmeticError("no way on")

        app.repeat(0.001, fail)
        (task,) = app._app_tasks
        with pytest.raises(ArithmeticError):
            await task()
        assert isinstance(app.crash_reason, ArithmeticError)

    run(test())


def test_resuming_keeps_what_was_fetched_since_the_seek() -> None:
    async def test() -> None:
        app = Quick([])
        buffer = app.FlowControlQueue(maxsize=4, clear_on_resume=True)
        app.flow_control.resume()
        await buffer.put("a run")
        app.flow_control.resume()
        assert buffer.qsize() == 1
        app.flow_control.clear()
        assert buffer.qsize() == 0

    run(test())
