"""Metrics, liveness and readiness over HTTP."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from tests.streams.conftest import until
from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.scoring.metrics import Metrics, StateCollector
from tracehound.streams.worker.health import HealthServer, Liveness


class FakeVitals:
    def __init__(self) -> None:
        self.assigned: list[int] | None = None
        self.waits = 0
        self.unheard = 0.0

    def partitions(self) -> list[int] | None:
        return self.assigned

    def waiting(self) -> int:
        return self.waits

    def last_progress(self) -> float:
        return 0.0

    def unheard_s(self) -> float:
        return self.unheard


def test_alive_while_nothing_waits_however_long_ago_the_last_progress_was() -> None:
    liveness = Liveness(60.0)
    for now in range(0, 1_000, 10):
        liveness.observe(now, waiting=0, reading=True, last_progress=0.0)
    assert liveness.alive(1_000.0)
    liveness.observe(1_000.0, waiting=9, reading=True, last_progress=0.0)
    assert liveness.alive(1_059.0)


def test_dead_when_records_wait_without_progress_and_alive_again_after_it() -> None:
    liveness = Liveness(60.0)
    for now in range(0, 70, 10):
        liveness.observe(now, waiting=9, reading=True, last_progress=-5.0)
    assert not liveness.alive(60.0)
    liveness.observe(70.0, waiting=9, reading=True, last_progress=65.0)
    assert liveness.alive(70.0)
    assert liveness.stalled_s(70.0) == 5.0


def test_dead_when_it_is_given_nothing_to_read_for_too_long() -> None:
    liveness = Liveness(60.0)
    liveness.observe(0.0, waiting=0, reading=True, last_progress=0.0)
    for now in range(10, 80, 10):
        assert liveness.alive(now - 10)
        liveness.observe(now, waiting=0, reading=False, last_progress=0.0)
    assert not liveness.alive(70.0)
    liveness.observe(80.0, waiting=0, reading=True, last_progress=0.0)
    assert liveness.alive(1_000.0)


def test_a_broker_that_no_longer_answers_for_a_partition_is_a_stall() -> None:
    async def test() -> None:
        vitals, stalls = FakeVitals(), list[str]()
        vitals.assigned = [1]
        registry = CollectorRegistry()
        server = HealthServer(registry, vitals, "127.0.0.1", 0, 60.0, lambda error: stalls.append(str(error)))
        vitals.unheard = 59.0
        await server.start()
        try:
            await asyncio.sleep(0.05)
            assert not stalls
            vitals.unheard = 61.0
            await until(lambda: bool(stalls), "the stall is told", 10.0)
        finally:
            await server.stop()
        assert stalls == [
            "The broker has not answered for a partition of this worker for 60 s (setting 'stall_timeout_s'), "
            "or was not asked."
        ]

    asyncio.run(test())


def test_pages(fake_scorer: Any) -> None:
    async def test() -> None:
        registry, vitals = CollectorRegistry(), FakeVitals()
        Metrics(registry).executions.inc(3)
        registry.register(StateCollector(fake_scorer.statistics, lambda: {0: 1.5}, lambda: {0: 7}))
        server = HealthServer(registry, vitals, "127.0.0.1", 0, stall_timeout_s=0.0001)

        async def get(path: str) -> tuple[int, str]:
            url = f"http://127.0.0.1:{server.port}{path}"
            async with aiohttp.ClientSession() as client, client.get(url) as answer:
                return answer.status, await answer.text()

        await server.start()
        try:
            assert (await get("/readyz")) == (503, '{"ok": false, "partitions": null}')
            vitals.assigned = [0, 3]
            assert (await get("/readyz")) == (200, '{"ok": true, "partitions": [0, 3]}')
            assert (await get("/livez"))[0] == 200
            vitals.waits = 5
            await get("/livez")
            await asyncio.sleep(0.01)
            assert (await get("/livez"))[0] == 503
            metrics = (await get("/metrics"))[1].splitlines()
            assert "tracehound_executions_total 3.0" in metrics
            assert 'tracehound_lag_seconds{partition="0"} 1.5' in metrics
            assert 'tracehound_lag_records{partition="0"} 7.0' in metrics
            assert 'tracehound_models{state="ready"} 1.0' in metrics
            assert 'tracehound_models{state="warming"} 2.0' in metrics
        finally:
            await server.stop()

    asyncio.run(test())


def test_a_port_in_use_names_the_setting() -> None:
    async def test(port: int) -> None:
        server = HealthServer(CollectorRegistry(), FakeVitals(), "127.0.0.1", port, 60.0)
        with pytest.raises(ConfigurationError, match=rf"'http_port'.*127\.0\.0\.1:{port}"):
            await server.start()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        asyncio.run(test(taken.getsockname()[1]))


def test_a_worker_that_cannot_do_all_says_so_and_is_not_ready() -> None:
    async def test() -> None:
        vitals, faults = FakeVitals(), list[str]()
        vitals.assigned = [1]
        server = HealthServer(CollectorRegistry(), vitals, "127.0.0.1", 0, 60.0, faults=lambda: faults)
        async with server, aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as http:
            async with http.get("/readyz") as answer:
                assert (answer.status, await answer.json()) == (200, {"ok": True, "partitions": [1]})
            faults.append("The helpers die.")
            async with http.get("/readyz") as answer:
                assert answer.status == 503
                assert await answer.json() == {"ok": False, "partitions": [1], "faults": ["The helpers die."]}

    asyncio.run(test())
