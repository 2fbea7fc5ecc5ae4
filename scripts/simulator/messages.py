"""Messages between simulated applications: what executions send waits in a queue until a consumer takes it."""

import math
import random
from collections.abc import Iterator, Sequence
from typing import Final

from tracehound.schemas.execution import Execution, QueueWait, Segment
from tracehound.scripts.simulator.requests import Queue, Requests
from tracehound.scripts.simulator.system import Message, System

WAIT_MS: Final = 40.0
"""Median time in a queue whose consumer keeps up."""
WAIT_SPREAD: Final = 0.5
SEND_MS: Final = 0.4
"""Time in which a message is handed to the client of the broker."""


class Messages:
    """Draws what consumers do with the messages that executions sent.

    Its randomness is its own, so that the executions which send are drawn alike with and without consumers.
    """

    def __init__(self, seed: int) -> None:
        self._consumers = Requests(f"{seed} messages")
        self._normal = random.Random(f"{seed} waits").gauss
        self._backlogs: dict[str, Queue] = {}

    def taken(self, system: System, sent: Sequence[Execution], pace: float) -> Iterator[Execution]:
        """The executions that begin with messages of those executions that did not fail; they have a segment more."""
        for execution in sent:
            message = system.applications[execution.application][execution.operation].sends
            if message is not None and not execution.failed:
                yield from self._take(system, execution, message, pace)

    def _take(self, system: System, sender: Execution, message: Message, pace: float) -> Iterator[Execution]:
        span_id = f"{sender.span_id[:-4]}{message.number:04x}"
        offset_ms = max(0.0, sender.duration_ms - SEND_MS)
        send = Segment(f"send {message.topic}", min(SEND_MS, sender.duration_ms), "queue", offset_ms)
        send.status, send.peer, send.span_id = "ok", message.queue, span_id
        sender.segments.append(send)
        sent_s = sender.started_s + sender.duration_ms / 1e3
        consumer = system.applications[message.application][message.operation]
        waited_ms = WAIT_MS * math.exp(WAIT_SPREAD * self._normal(0.0, 1.0))
        if consumer.taken_every_ms:
            backlog = self._backlogs.setdefault(message.application, Queue())
            waited_ms += backlog.wait_ms(sent_s, consumer.taken_every_ms)
        made = self._consumers.run(system, message.application, message.operation, sent_s + waited_ms / 1e3, pace)
        for number, execution in enumerate(made):
            execution.trace_id = sender.trace_id
            if number == 0:
                execution.parent_span_id = span_id
                execution.queue_wait = QueueWait(message.queue, waited_ms, message.application)
        yield from made
