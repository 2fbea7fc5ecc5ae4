"""The thread that sends in the background: in batches, again where it may help, and never longer than it may."""

import atexit
import logging
import os
import random
import sys
import threading
import time
import weakref
from dataclasses import dataclass

from tracehound_client.transports.transport import Outcome, Transport
from tracehound_client.waiting import Waiting

_FIRST_BACKOFF_S, _MOST_BACKOFF_S = 0.5, 30.0
_QUIET_S = 60.0
"""A trouble that lasts is logged this often."""

log = logging.getLogger("tracehound_client")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept, and how long anything may take.

    Attributes:
        memory_mb: of executions that wait or are being sent; where more come, the oldest are dropped.
        batch: executions that are sent at once, at most.
        batch_kb: their size, at most, before they are compressed.
        wait_s: how long an execution may wait for others to be sent with.
        exit_s: how long the application's end may be put off by what has not been sent.
    """

    memory_mb: float = 16.0
    batch: int = 1_000
    batch_kb: float = 400.0
    wait_s: float = 1.0
    exit_s: float = 3.0

    def __post_init__(self) -> None:
        for name in ("memory_mb", "batch", "batch_kb", "wait_s", "exit_s"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 <= value < 1e9) or (not value and not name.endswith("_s")):
                raise ValueError(f"The bound '{name}' must be a number > 0. Got {value!r} instead.")


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the executions that ended in this process.

    ``recorded`` is the sum of all others: ``sent`` are in Kafka, ``refused`` by the gateway or Kafka, ``dropped`` for
    want of room or time, ``failed`` could not be encoded, and ``waiting`` are still here. Where an answer is lost on
    its way, executions that are in Kafka are sent again, or counted as dropped.
    """

    recorded: int = 0
    sent: int = 0
    refused: int = 0
    dropped: int = 0
    failed: int = 0
    waiting: int = 0


class Sender:
    """Sends what is added to it in the background.

    Its thread begins with the first execution, in each process anew: after a fork the other process sends what was
    added there, and this one what is added here.

    Parameters:
        application: whose executions they are.
        transport: how they are sent.
        bounds: what may be kept, and how long anything may take.
    """

    def __init__(self, application: str, transport: Transport, bounds: Bounds) -> None:
        self._application, self._transport, self._bounds = application, transport, bounds
        self._begin()
        _SENDERS.add(self)

    def _begin(self) -> None:
        # re-entrant: a signal's handler and a finalizer may record in the midst of this
        self._changed = threading.Condition(threading.RLock())
        self._waiting = Waiting(int(self._bounds.memory_mb * 1e6))
        self._thread: threading.Thread | None = None
        self._sending: list[bytes] = []
        self._recorded = self._sent = self._refused = self._dropped = self._failed = 0
        self._wanted = 0
        """How many of those recorded somebody waits for."""
        self._oldest_s = 0.0
        self._ends_s: float | None = None
        self._logged_s = -_QUIET_S

    def add(self, encoded: bytes) -> None:
        """Another execution is to be sent; takes microseconds."""
        with self._changed:
            self._recorded += 1
            if self._ends_s is not None and time.monotonic() >= self._ends_s:
                self._dropped += 1
                return
            first = not self._waiting
            self._dropped += self._waiting.add(encoded)
            if self._thread is None:
                self._start()
            if first:
                self._oldest_s = time.monotonic()
                self._changed.notify_all()
            elif self._is_full():
                self._changed.notify_all()

    def failed(self) -> None:
        """An execution could not be encoded."""
        with self._changed:
            self._recorded += 1
            self._failed += 1

    @property
    def counts(self) -> Counts:
        """What became of what was added."""
        with self._changed:
            waiting = len(self._waiting) + len(self._sending)
            return Counts(self._recorded, self._sent, self._refused, self._dropped, self._failed, waiting)

    def flush(self, timeout_s: float) -> bool:
        """Wait until nothing that was added before is left to send; whether that was in time."""
        with self._changed:
            wanted = self._wanted = self._recorded
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= wanted, timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Send what is left, for so long at most; what is still left, or comes later, is dropped."""
        with self._changed:
            before = self._dropped
            if self._ends_s is None:
                self._ends_s = time.monotonic() + timeout_s
            self._changed.notify_all()
        done = self.flush(timeout_s)
        with self._changed:
            self._ends_s = time.monotonic()
            self._dropped += self._waiting.clear()
            lost = self._dropped - before + len(self._sending)
        if lost:
            log.warning("%d executions of %s were not sent within %g s.", lost, self._application, timeout_s)
        return done and not lost

    def at_exit(self) -> None:
        """The process ends."""
        if self._thread is not None:
            self.close(self._bounds.exit_s)

    def after_fork(self) -> None:
        """This is another process now, without the thread."""
        self._begin()
        self._transport.left_behind()

    @property
    def _settled(self) -> int:
        return self._sent + self._refused + self._dropped + self._failed

    def _is_full(self) -> bool:
        return len(self._waiting) >= self._bounds.batch or self._waiting.bytes >= self._bounds.batch_kb * 1e3

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="tracehound-client", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter ends, or there are too many threads: the next one tries again
            return
        self._thread = thread
        util = sys.modules.get("multiprocessing.util")
        if util is not None:  # its children end without what atexit calls
            util.Finalize(None, self.at_exit, exitpriority=10)

    def _run(self) -> None:
        try:
            while self._has_more():
                self._deliver()
        except Exception:
            log.exception("What sends executions of %s failed; it begins anew with the next one.", self._application)
        finally:
            with self._changed:
                self._thread = None
                self._lose_batch()
            self._transport.close()

    def _has_more(self) -> bool:
        """Wait for a batch, and take it; False where there will be none any more."""
        with self._changed:
            while True:
                pause: float | None = None
                if self._waiting:
                    pause = self._oldest_s + self._bounds.wait_s - time.monotonic()
                    if self._is_full() or self._settled < self._wanted or self._ends_s is not None or pause <= 0:
                        break
                elif self._ends_s is not None:
                    self._thread = None
                    return False
                self._changed.wait(pause)
            self._sending = self._waiting.take(self._bounds.batch, int(self._bounds.batch_kb * 1e3))
            self._oldest_s = time.monotonic()
            return True

    def _deliver(self) -> None:
        backoff_s = _FIRST_BACKOFF_S
        while True:
            outcome = self._attempt()
            if outcome.again_in_s is None:
                self._settle(outcome)
                return
            pause = max(outcome.again_in_s, backoff_s * random.uniform(0.5, 1.0))  # not all clients at once
            backoff_s = min(backoff_s * 2, _MOST_BACKOFF_S)
            self._tell(outcome, pause)
            if not self._wait(pause):
                with self._changed:
                    self._lose_batch()
                return

    def _attempt(self) -> Outcome:
        try:
            return self._transport.send(self._application, self._sending)
        except Exception as error:  # noqa: BLE001 (a transport of somebody else's)
            return Outcome(trouble=f"It cannot be sent: {error!r}.", again_in_s=0.0)

    def _wait(self, pause_s: float) -> bool:
        """Wait before another attempt; False where none would be in time."""
        until_s = time.monotonic() + pause_s
        with self._changed:
            while (left := until_s - time.monotonic()) > 0:
                if self._ends_s is not None and self._ends_s < until_s:
                    return False
                self._changed.wait(left)
            return True

    def _settle(self, outcome: Outcome) -> None:
        if outcome.trouble:  # told without the lock: whoever listens to logs may take his time
            self._tell(outcome, None)
        with self._changed:
            self._sent += outcome.sent
            self._refused += outcome.refused
            self._sending = []
            self._waiting.release()
            self._changed.notify_all()

    def _lose_batch(self) -> None:
        self._dropped += len(self._sending)
        self._sending = []
        self._waiting.release()
        self._changed.notify_all()

    def _tell(self, outcome: Outcome, again_in_s: float | None) -> None:
        if time.monotonic() - self._logged_s < _QUIET_S:
            return
        self._logged_s = time.monotonic()
        then = "" if again_in_s is None else f" They are sent again in {again_in_s:.1f} s."
        log.warning("Executions of %s were not taken. %s%s", self._application, outcome.trouble, then)


_SENDERS: "weakref.WeakSet[Sender]" = weakref.WeakSet()


def _after_fork() -> None:
    for sender in list(_SENDERS):
        sender.after_fork()


def _at_exit() -> None:
    for sender in list(_SENDERS):
        sender.at_exit()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
