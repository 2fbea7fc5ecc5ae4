"""Asks a server over one connection, one request after the other, and measures how long each answer takes."""

import http.client
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

import orjson

from tracehound.scripts.benchmarks.measured_process import cpu_seconds


@dataclass(frozen=True, slots=True)
class Answers:
    """How long answers took, milliseconds; requests per second of the server's CPU time."""

    count: int
    p50_ms: float
    p99_ms: float
    per_cpu_second: float


class Client:
    """A connection to a server on loopback.

    Parameters:
        pid: the server's, whose CPU time counts.
    """

    def __init__(self, port: int, pid: int, headers: Mapping[str, str]) -> None:
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._pid, self.headers = pid, dict(headers)

    def get(self, path: str) -> Any:
        """The JSON of an answer.

        Raises:
            RuntimeError: it is none of status 200.
        """
        return orjson.loads(self._get(path))

    def _get(self, path: str) -> bytes:
        self._connection.request("GET", path, headers=self.headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered with {answer.status}: {body[:500]!r}")
        return body

    def measure(self, paths: Iterable[str]) -> Answers:
        """Ask for each in turn."""
        return _answers(*self.timed(paths))

    def timed(self, paths: Iterable[str]) -> tuple[list[float], float]:
        """Ask for each in turn: milliseconds of each answer, and CPU seconds of the server."""
        before_s, taken_ms = cpu_seconds(self._pid), []
        for path in paths:
            begin_s = time.perf_counter()
            self._get(path)
            taken_ms.append((time.perf_counter() - begin_s) * 1_000)
        return taken_ms, cpu_seconds(self._pid) - before_s


def in_turns(asked: Sequence[tuple[Client, Sequence[str]]], rounds: int) -> list[Answers]:
    """Ask several servers round by round, so that whatever else the machine does slows all of them alike."""
    taken: list[list[float]] = [[] for _ in asked]
    cpu_s = [0.0 for _ in asked]
    for number in range(rounds):
        for index, (client, paths) in enumerate(asked):
            times, used_s = client.timed(paths[number::rounds])
            taken[index] += times
            cpu_s[index] += used_s
    return [_answers(*one) for one in zip(taken, cpu_s, strict=True)]


def _answers(taken_ms: Sequence[float], cpu_s: float) -> Answers:
    cuts = quantiles(taken_ms, n=100, method="inclusive")
    return Answers(len(taken_ms), cuts[49], cuts[98], len(taken_ms) / max(0.01, cpu_s))
