"""How a worker ends: by a signal, by its app, or by what one of its parts tells."""

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from tracehound.streams.worker.failure import Failure
from tracehound.streams.worker.health import HealthServer
from tracehound.streams.worker.process import EXIT_CLEAN, EXIT_FAILED
from tracehound.streams.worker.worker import Worker, serve


class FakeApp:
    """Runs until it is stopped or crashes."""

    def __init__(self) -> None:
        self.crash_reason: BaseException | None = None
        self.stops = 0
        self.on_stop: Callable[[], None] = lambda: None
        self.hangs = False
        self._ended = asyncio.Event()

    async def start(self) -> None: ...

    async def wait_until_stopped(self) -> None:
        await self._ended.wait()

    async def crash(self, reason: BaseException) -> None:
        self.crash_reason = reason
        self._ended.set()

    async def stop(self) -> None:
        self.stops += 1
        self.on_stop()
        self._ended.set()
        if self.hangs:
            await asyncio.Event().wait()


class NoVitals:
    """Nothing is read."""

    def partitions(self) -> list[int] | None:
        return None

    def waiting(self) -> int:
        return 0

    def last_progress(self) -> float:
        return 0.0

    def unheard_s(self) -> float:
        return 0.0


def served(act: Callable[[FakeApp, Failure, asyncio.Event], None]) -> tuple[int, FakeApp]:
    """The exit status of a worker to which something happens once it runs."""

    async def test() -> tuple[int, FakeApp]:
        app, failure, stop = FakeApp(), Failure(), asyncio.Event()
        health = HealthServer(CollectorRegistry(), NoVitals(), "127.0.0.1", 0, 60.0)
        serving = asyncio.create_task(serve(Worker("worker", "group", app, health, failure, ()), stop, 0.1))
        await asyncio.sleep(0.01)
        act(app, failure, stop)
        return await asyncio.wait_for(serving, 120), app

    return asyncio.run(test())


def test_a_signal_stops_the_app_and_is_no_failure() -> None:
    status, app = served(lambda app, failure, stop: stop.set())
    assert (status, app.stops, app.crash_reason) == (EXIT_CLEAN, 1, None)


def test_what_a_part_tells_ends_the_worker_with_a_status_that_says_so() -> None:
    first, second = ArithmeticError("first"), ArithmeticError("second")

    def fail(app: FakeApp, failure: Failure, stop: asyncio.Event) -> None:
        failure.tell(first)
        failure.tell(second)

    status, app = served(fail)
    assert (status, app.stops) == (EXIT_FAILED, 1)
    assert app.crash_reason is first, "later errors follow from the first"


def test_an_app_that_crashes_is_stopped() -> None:
    def crash(app: FakeApp, failure: Failure, stop: asyncio.Event) -> None:
        app.crash_reason = ArithmeticError("on purpose")
        app._ended.set()

    status, app = served(crash)
    assert (status, app.stops) == (EXIT_FAILED, 1)


def test_a_failure_while_stopping_is_not_taken_for_a_clean_end() -> None:
    def stop_badly(app: FakeApp, failure: Failure, stop: asyncio.Event) -> None:
        app.on_stop = lambda: failure.tell(ArithmeticError("not delivered"))
        stop.set()

    assert served(stop_badly)[0] == EXIT_FAILED


@pytest.mark.parametrize("hangs", [True, False])
def test_an_app_that_does_not_stop_is_left(hangs: bool) -> None:
    def hang(app: FakeApp, failure: Failure, stop: asyncio.Event) -> None:
        app.hangs = hangs
        stop.set()

    assert served(hang)[0] == (EXIT_FAILED if hangs else EXIT_CLEAN)
