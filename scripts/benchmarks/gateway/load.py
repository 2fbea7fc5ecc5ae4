"""Clients that send bodies over HTTP as fast as they are answered, or at a rate, and note each answer."""

import gc
import http.client
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from threading import Lock


@dataclass(frozen=True, slots=True)
class Body:
    """What one request sends, and how many spans or executions it holds."""

    content: bytes
    items: int


@dataclass(slots=True)
class Answers:
    """What was answered: bodies and items taken, statuses of those that were not, and how long each answer took."""

    bodies: int = 0
    items: int = 0
    refused: list[int] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    wall_s: float = 0.0

    def percentile_ms(self, share: float) -> float:
        """The time below which this share of the answers came."""
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send: address, path and headers."""

    address: str
    path: str
    headers: Mapping[str, str]


def as_fast_as_answered(target: Target, bodies: Sequence[Body], seconds: float, clients: int) -> Answers:
    """Each client sends the next body when the last one is answered: a closed loop."""

    def due(begin_s: float) -> Iterator[float]:
        while (now := time.monotonic()) < begin_s + seconds:
            yield now

    return _run(target, bodies, due, clients)


def at_rate(target: Target, bodies: Sequence[Body], seconds: float, clients: int, per_s: float) -> Answers:
    """Bodies are due at even times whether others are answered or not; an answer's time counts from when it was due."""
    numbers, lock = count(), Lock()

    def due(begin_s: float) -> Iterator[float]:
        while True:
            with lock:
                at_s = begin_s + next(numbers) / per_s
            if at_s > begin_s + seconds:
                return
            time.sleep(max(0.0, at_s - time.monotonic()))
            yield at_s

    return _run(target, bodies, due, clients)


def _run(target: Target, bodies: Sequence[Body], due: Callable[[float], Iterator[float]], clients: int) -> Answers:
    answers, lock = Answers(), Lock()

    def client(first: int) -> None:
        connection = http.client.HTTPConnection(target.address, timeout=60)
        for number, due_s in enumerate(due(begin_s)):
            body = bodies[(first + number * clients) % len(bodies)]
            connection.request("POST", target.path, body.content, dict(target.headers))
            response = connection.getresponse()
            response.read()
            took_s = time.monotonic() - due_s
            with lock:
                if response.status == 200:
                    answers.bodies += 1
                    answers.items += body.items
                    answers.latencies_s.append(took_s)
                else:
                    answers.refused.append(response.status)
        connection.close()

    gc.collect()
    gc.disable()  # a pause of ours would count as the program's
    begin_s = time.monotonic()  # not before: with much in memory that takes long
    try:
        with ThreadPoolExecutor(clients) as running:
            for one in [running.submit(client, number) for number in range(clients)]:
                one.result()
    finally:
        gc.enable()
    answers.wall_s = time.monotonic() - begin_s
    return answers
