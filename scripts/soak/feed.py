"""A steady stream of simulated executions into the executions topic, whatever happens to the broker."""

import itertools
import random
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Self

from confluent_kafka import KafkaError, Producer

from tracehound.schemas.codec import encode
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import EFFECT_RANGES, Fault, FaultName
from tracehound.scripts.simulator.simulation import Simulation, even_traffic

_TURN_S = 0.05
_LAST_S = 90.0
_FAULT_EVERY_S, _FAULT_S = 30.0, 15.0
_AILMENTS: tuple[FaultName, ...] = ("slow_code", "new_release", "error_burst")
_PAST_S = 5 * 86_400.0


def executions(applications: int, seed: int, rate: float, start_s: float) -> Iterator[Execution]:
    """An endless stream of executions from ``start_s`` on, with something to be found every half a minute.

    ``rate`` is executions per second of event time.
    """
    system = build_system(applications, seed)
    simulation = Simulation(system, seed, rate, start_s, even_traffic)
    chance = random.Random(f"{seed} ailments")
    names = sorted(system.applications)
    next_s = start_s + _FAULT_EVERY_S
    for emitted in simulation:
        if emitted.at_s >= next_s - _FAULT_S:
            ailment = chance.choice(_AILMENTS)
            effect = max(EFFECT_RANGES[ailment])
            simulation.inject(Fault(ailment, chance.choice(names), next_s, _FAULT_S, effect))
            next_s += _FAULT_EVERY_S
        yield emitted.execution


class Feed:
    """Sends from a thread of its own, ``rate`` executions per second, from ``start`` to ``stop``.

    Parameters:
        servers: of the broker.
        topic: the executions topic.
        rate: executions per second; event time passes at ``pace`` times that of the clock.
    """

    def __init__(
        self, servers: str, topic: str, rate: float, applications: int = 5, seed: int = 1, pace: float = 10.0
    ) -> None:
        self._topic = topic
        self._rate = rate
        self._executions = executions(applications, seed, rate / pace, time.time() - _PAST_S)
        self._producer = Producer(
            {
                "bootstrap.servers": servers,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 20,
                "log_level": 0,  # brokers are taken away on purpose
            }
        )
        self._refused: list[str] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0
        self.applications: set[ApplicationKey] = set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopping.set()
        self._thread.join()

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self, least: int = 0) -> None:
        """End sending once at least so many were sent, and wait until the broker has everything.

        Raises:
            TracehoundError: the broker did not take all of it.
        """
        while self.sent < least and self._thread.is_alive():
            time.sleep(_TURN_S)
        self._stopping.set()
        self._thread.join()
        self._flush()

    def prepare(self, count: int) -> list[tuple[bytes, bytes]]:
        """The keys and values of the next so many records, for ``burst``: simulating them takes time of its own."""
        return [self._encoded(execution) for execution in itertools.islice(self._executions, count)]

    def burst(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Send records at once, instead of ``start``, and wait until the broker has them.

        Raises:
            TracehoundError: the broker did not take all of them.
        """
        for key, value in records:
            self._send(key, value)
        self._flush()

    def _flush(self) -> None:
        left = self._producer.flush(_LAST_S)
        if left or self._refused:
            raise TracehoundError(f"The broker did not take {left} executions of the feed: {self._refused[:3]}.")

    def _run(self) -> None:
        begun = time.monotonic()
        for execution in self._executions:
            while self.sent >= (time.monotonic() - begun) * self._rate:
                self._producer.poll(0)
                if self._stopping.wait(_TURN_S):
                    return
            if self._stopping.is_set():
                return
            self._send(*self._encoded(execution))

    def _send(self, key: bytes, value: bytes) -> None:
        while True:
            try:
                self._producer.produce(self._topic, value, key, on_delivery=self._delivered)
                break
            except BufferError:  # the broker is away: what cannot be held is made later
                self._producer.poll(_TURN_S)
        self.sent += 1

    def _delivered(self, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self._refused.append(str(error))

    def _encoded(self, execution: Execution) -> tuple[bytes, bytes]:
        self.applications.add((execution.application, execution.environment))
        return execution.application.encode(), encode(execution)
