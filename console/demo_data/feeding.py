"""Sends what a simulation makes, as applications would: its past no faster than it is scored, then as it happens."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import anyio
import structlog
from starlette.concurrency import run_in_threadpool

from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution
from tracehound.schemas.feedback import Maintenance
from tracehound.schemas.topics import Topics
from tracehound.streams.http.refusal import RequestRefusedError
from tracehound.streams.http.sending import Record, Sender

ENVIRONMENT: Final = "demo"
PAST_S: Final = 600.0
LIVE_S: Final = 600.0
"""How long it goes on once the past is sent."""
_STEP_S: Final = 30.0
_LIVE_STEP_S: Final = 1.0
_LIVE_BEHIND_S: Final = 1.0
"""What is sent this soon after it happened counts as live."""
_ON_THE_WAY: Final = 6_000
_LOOK_S: Final = 0.5
_PATIENCE: Final = 240
"""Looks without any progress, after which it goes on all the same."""
_AT_ONCE: Final = 50
_QUIET_S: Final = 86_400.0

log = structlog.get_logger(__name__)


class Simulated(Protocol):
    """A simulation under way."""

    def until(self, now_s: float) -> Sequence[Execution]:
        """What has ended since the last call, until ``now_s`` (epoch seconds)."""
        ...


Simulate = Callable[[float, float], Simulated]
"""Begins a simulation at an epoch second, with a fault shortly before another one, from which on it is live."""


class DemoData:
    """Sends a simulation, one at a time.

    Parameters:
        simulate: begins one; None: there is none to be had.
        sender: sends to Kafka.
        topics: where executions and maintenance windows go.
        scored: how many executions of the environment ``demo`` were scored so far.
        clock: epoch seconds.
    """

    def __init__(
        self,
        simulate: Simulate | None,
        sender: Sender,
        topics: Topics,
        scored: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self._simulate, self._sender, self._topics = simulate, sender, topics
        self._scored, self._clock = scored, clock
        self._task: asyncio.Task[None] | None = None
        self._scope: anyio.CancelScope | None = None
        self._sent = 0
        self._trouble = ""

    @property
    def available(self) -> bool:
        """Whether there is any."""
        return self._simulate is not None

    @property
    def under_way(self) -> bool:
        """Whether it is being sent."""
        return self._task is not None and not self._task.done()

    def told(self) -> str:
        """How it goes, in a sentence; empty where nobody has asked for it."""
        if self._trouble:
            return f"The demo's data ended early: {self._trouble}"
        if self.under_way:
            return f"The demo's data is on its way: {self._sent:,} executions so far."
        return ""

    def start(self, by: str) -> None:
        """Begin; ``by`` is who asks for it.

        Raises:
            RequestRefusedError: it is under way, or there is none (409).
        """
        if self._simulate is None:
            raise RequestRefusedError(409, "conflict", "The demo's data must come with this process. It does not.")
        if self.under_way:
            raise RequestRefusedError(409, "conflict", "The demo's data must not be under way already. It is.")
        self._sent, self._trouble = 0, ""
        self._scope = scope = anyio.CancelScope()
        self._task = asyncio.create_task(self._run(self._simulate, by, scope))

    async def ended(self) -> None:
        """Return when nothing is under way."""
        if self._task is not None:
            await self._task

    async def stop(self) -> None:
        """End what is under way; nothing of it reads the store afterwards."""
        # a task that is cancelled leaves its thread behind, and what that has of the store; a scope waits for it
        if self._scope is not None:
            self._scope.cancel()
        await self.ended()

    async def _run(self, simulate: Simulate, by: str, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                await self._feed(simulate, by)
        except RequestRefusedError as refusal:
            self._trouble = str(refusal)
            log.warning("demo_data_ended", sentence=self._trouble)
        except Exception:
            self._trouble = "an error, which is logged."
            log.exception("demo_data_failed")

    async def _feed(self, simulate: Simulate, by: str) -> None:
        live_s = self._clock()
        before = await run_in_threadpool(self._scored)
        simulated = await run_in_threadpool(simulate, live_s - PAST_S, live_s)
        reached_s = live_s - PAST_S
        while reached_s < self._clock() - _LIVE_BEHIND_S:
            reached_s = min(reached_s + _STEP_S, self._clock())
            await self._send(simulated, reached_s)
            await self._wait(before)
        while reached_s < live_s + LIVE_S:
            await asyncio.sleep(_LIVE_STEP_S)
            reached_s = self._clock()
            await self._send(simulated, reached_s)
        await self._announce_end(reached_s, by)

    async def _send(self, simulated: Simulated, until_s: float) -> None:
        executions = await run_in_threadpool(simulated.until, until_s)
        await self._sender.send(_records(executions, self._topics.executions.name))
        self._sent += len(executions)

    async def _wait(self, before: int) -> None:
        """Until most of what was sent is scored, as long as any progress is made: small brokers keep only so much."""
        last, looks = -1, 0
        while looks < _PATIENCE:
            scored = await run_in_threadpool(self._scored) - before
            if self._sent - scored <= _ON_THE_WAY:
                return
            last, looks = scored, 0 if scored > last else looks + 1
            await asyncio.sleep(_LOOK_S)

    async def _announce_end(self, now_s: float, by: str) -> None:
        """What falls silent now is meant to: nobody is to be told."""
        window = Maintenance(
            "demo-data-has-ended",
            *(now_s, now_s + _QUIET_S),
            environment=ENVIRONMENT,
            note="The demo's data has ended.",
            by=by,
        )
        await self._sender.send([Record(self._topics.maintenance.name, window.window_id.encode(), encode(window))])


def _records(executions: Sequence[Execution], topic: str) -> list[Record]:
    """Arrays of executions, by application and in their order."""
    by_application: dict[str, list[bytes]] = {}
    for execution in executions:
        execution.environment = ENVIRONMENT
        by_application.setdefault(execution.application, []).append(encode(execution))
    return [
        Record(topic, name.encode(), b"[" + b",".join(own[begin : begin + _AT_ONCE]) + b"]")
        for name, own in by_application.items()
        for begin in range(0, len(own), _AT_ONCE)
    ]
