"""Where refits run: in this process (files, tests) or in a pool of processes (workers)."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Any, Protocol

_ATTEMPTS = 3


class Fitter(Protocol):
    """Runs one fit. What is given and returned is plain data: arrays and numbers."""

    def submit(self, fit: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        """Start ``fit(*arguments)`` and return its future. Must not block for the length of the fit."""
        ...

    def close(self) -> None:
        """End all helpers. Unfinished fits are given up."""
        ...


class InlineFitter:
    """Fits at once, in the calling thread.

    >>> InlineFitter().submit(sum, [1, 2]).result()
    3
    """

    def submit(self, fit: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        """Run the fit now; an exception is kept in the future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fit(*arguments))
        except Exception as error:  # noqa: BLE001 (whoever asks for the result gets it)
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing to end."""


def _begin(niceness: int) -> None:
    """Let this helper process give way to others, and end when its parent does, however that ends."""
    os.nice(niceness)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class PoolFitter:
    """Fits in separate processes, because fits hold the interpreter lock.

    Children are spawned (a forked child would inherit the broker connections) and end with their parent, even
    where that is killed. One that dies, killed for want of memory, say, is replaced, and its fit is tried again some
    times before the fit has failed. ``broken`` is True from such a failure until the next fit that ends well.

    Parameters:
        processes: how many children.
        replaced: called, in any thread, whenever children were replaced.
        niceness: how much children give way to other processes, from 0 (not at all) to 19.
    """

    def __init__(self, processes: int = 1, replaced: Callable[[], None] = lambda: None, niceness: int = 0) -> None:
        self._niceness = niceness
        self._processes = processes
        self._replaced = replaced
        self._lock = threading.Lock()
        self._closed = False
        self._pool = self._new_pool()
        self.broken = False

    def submit(self, fit: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        """Queue the fit."""
        asked: Future[Any] = Future()
        self._start(asked, fit, arguments, _ATTEMPTS)
        return asked

    def close(self) -> None:
        """Give up all fits that have not ended, and end the processes at once.

        This process does not end before they have: one that gives way to others, on a busy machine, needs minutes for
        a fit that nobody waits for any more.
        """
        with self._lock:
            self._closed = True
            helpers = [*(self._pool._processes or {}).values()]  # what Python 3.14 has ``kill_workers`` for
            self._pool.shutdown(wait=False, cancel_futures=True)
        for helper in helpers:
            helper.kill()

    def _new_pool(self) -> ProcessPoolExecutor:
        spawn = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._processes, mp_context=spawn, initializer=_begin, initargs=(self._niceness,))

    def _start(self, asked: "Future[Any]", fit: Callable[..., Any], arguments: tuple[Any, ...], attempts: int) -> None:
        pool = self._pool
        try:
            running = pool.submit(fit, *arguments)
        except (BrokenExecutor, OSError) as error:  # a child died since the last fit, or none can be started
            self._start_again(pool, error, asked, fit, arguments, attempts)
            return
        except RuntimeError:  # all is being closed
            asked.cancel()
            return

        def ended(done: "Future[Any]") -> None:
            error = None if done.cancelled() else done.exception()
            if isinstance(error, BrokenExecutor) and not (asked.cancelled() or self._closed):
                self._start_again(pool, error, asked, fit, arguments, attempts)
            elif asked.set_running_or_notify_cancel():
                self.broken = False
                _settle(asked, done, given_up=done.cancelled() or isinstance(error, BrokenExecutor))

        asked.add_done_callback(lambda one: running.cancel() if one.cancelled() else None)
        running.add_done_callback(ended)

    def _start_again(
        self,
        pool: ProcessPoolExecutor,
        error: BaseException,
        asked: "Future[Any]",
        fit: Callable[..., Any],
        arguments: tuple[Any, ...],
        attempts: int,
    ) -> None:
        with self._lock:
            if self._pool is pool and not self._closed:  # the first to notice
                pool.shutdown(wait=False)
                self._pool = self._new_pool()
                self._replaced()
        if attempts > 1:
            self._start(asked, fit, arguments, attempts - 1)
        elif asked.set_running_or_notify_cancel():
            self.broken = True
            asked.set_exception(error)


def _settle(asked: "Future[Any]", done: "Future[Any]", given_up: bool) -> None:
    if given_up:
        asked.set_exception(CancelledError())
    elif (error := done.exception()) is not None:
        asked.set_exception(error)
    else:
        asked.set_result(done.result())
