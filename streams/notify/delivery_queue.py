"""Messages for one receiver: in order for each incident, side by side for different ones, tried again for a while."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from tracehound.streams.notify.metrics import NotifyMetrics
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.outcome import Delivered, Failed, Outcome, Receiver
from tracehound.streams.settings.notify import NotifySettings

_STUCK_S = 30.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class QueuedNotice:
    """A message on its way. ``done`` is called once it was taken or given up; nothing is tried once ``gone`` is set."""

    notice: Notice
    done: Callable[[], None]
    gone: asyncio.Event
    since_s: float = field(default_factory=time.monotonic)


Bury = Callable[[Notice, str], Awaitable[None]]
"""Makes a message, given up for a reason (a sentence), a dead letter; returns once that is safe."""


Report = Callable[[Notice, str, str], Awaitable[None]]
"""Tells what became of a message to a receiver of a kind: taken (no reason), or given up for one, a sentence."""


class DeliveryQueue:
    """The queue of one receiver.

    Messages of one incident go out one after the other, in their order. Those of different incidents go side by
    side, ``attempts_at_once`` at a time, so that one which the receiver cannot digest holds up no other.

    Parameters:
        bury: see ``Bury``.
        fail: called with an error that no retry can mend.
        wall_clock: epoch seconds.
        chance: from 0 to 1, for the jitter of pauses.
        report: see ``Report``; nobody waits for it.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        receiver: Receiver,
        settings: NotifySettings,
        metrics: NotifyMetrics,
        bury: Bury,
        fail: Callable[[BaseException], None],
        wall_clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        report: Report | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.receiver = receiver
        self._settings = settings
        self._metrics = metrics
        self._bury = bury
        self._fail = fail
        self._wall_clock = wall_clock
        self._chance = chance
        self._report = report
        self._slots = asyncio.Semaphore(settings.attempts_at_once)
        self._lanes: dict[str, deque[QueuedNotice]] = {}
        self._tasks: set[asyncio.Future[None]] = set()
        self._attempts = 0
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._waiting = 0
        self._not_before_s = 0.0
        self.last_taken_s = time.monotonic()
        metrics.of(name, kind)

    def __len__(self) -> int:
        return self._waiting

    def is_full(self) -> bool:
        """Whether no more should be read for now: there is no room, and the receiver does take messages."""
        return self._waiting >= self._settings.queue_size and not self._is_stuck()

    def put(self, queued: QueuedNotice) -> None:
        """Take a message over. Where there is no room and the receiver takes none, it is given up at once."""
        if not self._waiting:
            self.last_taken_s = time.monotonic()
        self._waiting += 1
        if self._waiting > self._settings.queue_size and self._is_stuck():
            self._spawn(self._drop(queued))
            return
        incident_id = queued.notice.incident.incident_id
        lane = self._lanes.get(incident_id)
        if lane is None:
            lane = self._lanes[incident_id] = deque()
            self._spawn(self._run_lane(incident_id, lane))
        lane.append(queued)

    async def settle(self, timeout_s: float) -> None:
        """Return once no attempt is under way, or after ``timeout_s``."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._at_rest.wait(), timeout_s)

    async def close(self) -> None:
        """Stop everything; what is under way is abandoned, and sent again by the next process."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.receiver.close()

    def _is_stuck(self) -> bool:
        return time.monotonic() - self.last_taken_s > _STUCK_S

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Future[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    async def _run_lane(self, incident_id: str, lane: deque[QueuedNotice]) -> None:
        while lane:
            queued = lane[0]
            await self._deliver(queued)
            lane.popleft()
            self._waiting -= 1
        del self._lanes[incident_id]

    async def _drop(self, queued: QueuedNotice) -> None:
        await self._give_up(queued, f"More than {self._settings.queue_size} messages wait for it (queue_size).")
        self._waiting -= 1

    async def _deliver(self, queued: QueuedNotice) -> None:
        pause_s = self._settings.first_retry_s
        repeated = False
        while not queued.gone.is_set():
            if await self._sleep(queued, self._not_before_s - time.monotonic()):
                return
            outcome = await self._attempt(queued, repeated)
            if outcome is None:
                return
            if isinstance(outcome, Delivered):
                self._ends(queued, "")
                return
            wait_s = max(pause_s * (0.5 + self._chance() / 2), outcome.after_s)
            late_s = time.monotonic() + wait_s - queued.since_s
            if not outcome.retry or late_s > self._settings.give_up_s:
                await self._give_up(queued, outcome.reason)
                return
            self._not_before_s = max(self._not_before_s, time.monotonic() + outcome.after_s)
            log.warning("notification_failed", receiver=self.name, sentence=outcome.reason, retry_s=round(wait_s, 1))
            if await self._sleep(queued, wait_s):
                return
            pause_s = min(2 * pause_s, self._settings.longest_retry_s)
            repeated = True

    async def _attempt(self, queued: QueuedNotice, repeated: bool) -> Delivered | Failed | None:
        labels = {"receiver": self.name, "kind": self.kind}
        async with self._slots:
            if queued.gone.is_set():
                return None
            self._attempts += 1
            self._at_rest.clear()
            try:
                if repeated:
                    self._metrics.retried.labels(**labels).inc()
                outcome = await self._tell(queued.notice)
            finally:
                self._attempts -= 1
                if not self._attempts:
                    self._at_rest.set()
        if isinstance(outcome, Failed):
            self._metrics.failed.labels(**labels).inc()
            return outcome
        self.last_taken_s = time.monotonic()
        self._metrics.sent.labels(**labels).inc()
        delay_s = self._wall_clock() - float(queued.notice.record.timestamp) / 1000
        self._metrics.delay.labels(**labels).observe(max(0.0, delay_s))
        return outcome

    async def _tell(self, notice: Notice) -> Outcome:
        try:
            return await self.receiver.tell(notice)
        except Exception as error:  # what is wrong with one message must not end all the others
            log.exception("receiver_raised", receiver=self.name)
            return Failed(f"Telling it raised {type(error).__name__}.", retry=False)

    async def _give_up(self, queued: QueuedNotice, why: str) -> None:
        if queued.gone.is_set():
            return
        self._metrics.dead_lettered.labels(receiver=self.name, kind=self.kind).inc()
        reason = f"The receiver {self.name!r} ({self.kind}) was not told: {why}"
        log.error("notification_given_up", receiver=self.name, event_id=queued.notice.event.id, sentence=reason)
        await self._bury(queued.notice, reason)
        self._ends(queued, why)

    def _ends(self, queued: QueuedNotice, reason: str) -> None:
        queued.done()
        if self._report is not None:
            self._spawn(self._report(queued.notice, self.kind, reason))

    async def _sleep(self, queued: QueuedNotice, pause_s: float) -> bool:
        """Whether it need not be sent any more after the pause."""
        if pause_s <= 0:
            return queued.gone.is_set()
        with suppress(TimeoutError):
            await asyncio.wait_for(queued.gone.wait(), pause_s)
        return queued.gone.is_set()
