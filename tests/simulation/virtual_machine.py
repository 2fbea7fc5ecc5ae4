"""Processes on one machine whose time is virtual: they take turns in one event loop, and can be killed and stopped."""

import asyncio
import contextlib
import contextvars
import gc
import heapq
import logging
import random
import sys
import time
from asyncio import Handle
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from unittest import mock

import structlog
from faust import App
from faust.sensors import base, monitor
from faust.tables import recovery
from faust.transport import consumer
from faust.transport.drivers import aiokafka as driver
from mode import services

EPOCH_S = 1_767_225_600.0
_BEGIN_S = 1_000.0
_MOST_STEPS = 400_000
_RECEIVERS = vars(App.on_partitions_assigned)["_filter_receivers"]
"""Who is told of assignments, of all apps that there were: each would keep its story in memory."""

_of_process: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("process", default=None)


class StuckError(Exception):
    """Nothing goes on any more, or it goes on for ever."""


class Process:
    """A process of the operating system, as far as one loop can hold several.

    What it does carries its mark (a context variable), so that a killed one does nothing more: no ``finally`` is run,
    no callback called. A stopped one (SIGSTOP) does later what it would have done. ``wall_ahead_s`` is how far its
    wall clock is wrong.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.stopped = False
        self.wall_ahead_s = 0.0
        self.frozen: deque[Handle] = deque()
        self.held: list[object] = []  # what the collector would else close in the midst of others' work
        self.at_death: list[Callable[[], None]] = []


class Loop(asyncio.BaseEventLoop):
    """An event loop without threads, sockets and real time.

    Parameters:
        draw: decides how long what is given to threads takes.

    ``steps`` counts callbacks; ``at_step`` is called before the one with the number ``next_step``.
    """

    def __init__(self, draw: random.Random) -> None:
        super().__init__()
        self._ready: deque[Handle] = deque()
        self._scheduled: list[Any] = []
        self._draw = draw
        self._now_s = _BEGIN_S
        self._spent_s = 0.0
        self.steps = 0
        self.next_step = -1
        self.at_step: Callable[[], None] = lambda: None
        self.trail = 0
        self.set_task_factory(self._new_task)

    # --- time

    def time(self) -> float:
        """Virtual seconds."""
        return self._now_s

    def spent_s(self) -> float:
        """What ``time.perf_counter`` says: each look at it finds some milliseconds gone."""
        self._spent_s += self._draw.random() * 0.004
        return self._now_s + self._spent_s

    def wall_s(self) -> float:
        """What ``time.time`` says to the process that asks."""
        process = _of_process.get()
        return EPOCH_S + self._now_s - _BEGIN_S + (0.0 if process is None else process.wall_ahead_s)

    # --- what a loop does

    @property
    def _ending(self) -> bool:
        return bool(vars(self)["_stopping"])

    def _run_once(self) -> None:
        if not self._ready and not self._ending:
            self._advance()
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if handle._cancelled:
                continue
            process = handle._context.get(_of_process)  # type: ignore[attr-defined] # (not told to mypy)
            if process is not None:
                if process.dead:
                    continue
                if process.stopped:
                    process.frozen.append(handle)
                    continue
            self.steps += 1
            if self.steps == self.next_step:
                self.at_step()
                if process is not None and (process.dead or process.stopped):
                    if process.stopped and not process.dead:
                        process.frozen.append(handle)
                    continue
            handle._run()
        if self.steps > _MOST_STEPS:
            raise StuckError(f"It goes on for ever: {self.steps} steps, and {self._now_s - _BEGIN_S:.0f} s.")

    def _advance(self) -> None:
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not scheduled:
            raise StuckError("Nothing goes on: all wait for each other.")
        self._now_s = max(self._now_s, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now_s:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
            self._ready.append(timer)
        self.trail = hash((self.trail, self.steps, self._now_s))

    def _process_events(self, event_list: Any) -> None: ...

    def _write_to_self(self) -> None: ...

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tasks of killed processes are never awaited, and those of others tell their errors themselves."""

    def _new_task(self, loop: Any, coroutine: Any, context: Any = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, context=context)
        process = (context or contextvars.copy_context()).get(_of_process)
        if process is not None:
            process.held.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override] # (any)
        """Do it in the loop, a little later: what threads do takes no part in the order of things."""
        done: asyncio.Future[Any] = self.create_future()

        def tell(result: Any, error: BaseException | None) -> None:
            if done.cancelled():
                return
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

        def run() -> None:
            result, failed = None, None
            try:
                result = func(*args)
            except BaseException as error:  # noqa: BLE001 (whoever waits is told)
                failed = error
            self.call_later(self._draw.random() * 0.002, tell, result, failed)

        self.call_later(self._draw.random() * 0.003, run)
        return done

    # --- processes

    def spawn(self, process: Process, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let a process do something."""
        context = contextvars.copy_context()
        context.run(_of_process.set, process)
        return self.create_task(work, context=context)

    def kill(self, process: Process) -> None:
        """SIGKILL."""
        process.dead = True
        process.frozen.clear()
        for act in process.at_death:
            act()

    def stop_process(self, process: Process) -> None:
        """SIGSTOP."""
        process.stopped = True

    def resume_process(self, process: Process) -> None:
        """SIGCONT."""
        process.stopped = False
        self._ready.extend(process.frozen)
        process.frozen.clear()


def present_process() -> Process | None:
    """The process that asks."""
    return _of_process.get()


@contextlib.contextmanager
def virtual_time(loop: Loop) -> Iterator[None]:
    """Let the modules' clocks be those of the loop."""
    with contextlib.ExitStack() as patches:
        for module in (time, services, recovery, base, monitor, consumer, driver):
            patches.enter_context(mock.patch.object(module, "monotonic", loop.time))
        patches.enter_context(mock.patch.object(time, "time", loop.wall_s))
        patches.enter_context(mock.patch.object(time, "perf_counter", loop.spent_s))
        patches.enter_context(mock.patch.dict(services.Service.itertimer.__kwdefaults__, clock=loop.time))
        yield


def run(loop: Loop, story: Coroutine[Any, Any, None]) -> None:
    """Run a story to its end.

    Raises:
        StuckError: nothing goes on, or it goes on for ever.
    """
    collecting = gc.isenabled()
    gc.disable()  # when it comes would depend on what was done before
    asyncio.set_event_loop(loop)
    try:
        with virtual_time(loop), mock.patch.dict(_RECEIVERS):
            loop.run_until_complete(story)
    finally:
        asyncio.set_event_loop(None)
        loop._ready.clear()
        loop._scheduled.clear()
        loop.close()
        if collecting:
            gc.enable()


def be_quiet() -> None:
    """Say nothing of what is meant to go wrong; to write it takes most of the time."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    sys.unraisablehook = lambda _: None  # coroutines of killed processes are closed wherever they are
