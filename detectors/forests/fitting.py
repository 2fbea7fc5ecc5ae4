"""Where refits run: in this process (files, tests) or in a pool of processes (workers)."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Any, Protocol


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


def _end_with_parent() -> None:
    """Let this helper process end when its parent does, however that ends."""
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
    where that is killed.
    """

    def __init__(self, processes: int = 1) -> None:
        self._pool = ProcessPoolExecutor(
            processes, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent
        )

    def submit(self, fit: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        """Queue the fit."""
        return self._pool.submit(fit, *arguments)

    def close(self) -> None:
        """Give up what has not started and end the processes."""
        self._pool.shutdown(wait=False, cancel_futures=True)
