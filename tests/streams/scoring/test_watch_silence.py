"""When silence is judged, and at which event time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.scoring.watch_silence import event_time_now, watch_silence
from tracehound.streams.states.partitions import Partition, Partitions, Seen


@pytest.mark.parametrize("newest_event_s", [1_000.0, 100.0, 4_600.0])  # live, a replay of the past, a clock ahead
@pytest.mark.parametrize("scored_at_s", [1_000.0, 1_000_000.0])  # the clock of the machine was set
def test_time_goes_on_from_the_newest_execution_as_it_passes_in_this_process(
    newest_event_s: float, scored_at_s: float
) -> None:
    seen = Seen(newest_event_s, scored_at_s)
    assert event_time_now(seen, 7.0) == newest_event_s  # nothing before the first look
    assert event_time_now(seen, 67.0) == newest_event_s + 60.0


class Fetching:
    """Notes which applications are to be in memory, and for which event time."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, list[ApplicationKey], float]] = []

    async def __call__(self, partition: Partition, live: Sequence[ApplicationKey], event_s: float) -> None:
        self.asked.append((partition.number, list(live), event_s))


def test_only_partitions_read_to_their_end_are_judged(fake_scorer: Any, fake_publisher: Any) -> None:
    async def test() -> None:
        fetch = Fetching()
        registry = CollectorRegistry()
        metrics = Metrics(registry)
        delivery = Delivery(fake_publisher, "dead", metrics, 4, lambda error: None)
        partitions = Partitions(fake_scorer.forget)
        partitions.assign([0, 1])
        for partition in partitions:
            partition.applications[f"app-{partition.number}", ""] = Seen(1_000.0, 1_000.0, quiet_since_s=70.0)
        await watch_silence(
            fake_scorer,
            partitions,
            lambda number: number == 1,
            fetch,
            Topics(""),
            delivery,
            metrics,
            lambda: 100.0,
            600.0,
        )
        assert fake_scorer.silent == [(1_030.0, ("app-1", ""))]
        assert fake_publisher.sent == []
        fake_scorer.silence = [fake_scorer.score([Execution("app-1", "GET /", 1_000.0, 20_000.0)]).anomalies[0][1]]
        await watch_silence(
            fake_scorer,
            partitions,
            lambda number: number == 1,
            fetch,
            Topics(""),
            delivery,
            metrics,
            lambda: 110.0,
            600.0,
        )
        await delivery.idle()
        assert [sent.key for sent in fake_publisher.topic(Topics("").anomalies.name)] == [b"app-1"]
        assert len(fake_publisher.topic(Topics("").incident_input.name)) == 1
        labels = {"kind": "outlier", "severity": "minor"}
        assert registry.get_sample_value("tracehound_anomalies_total", labels) == 1
        assert fetch.asked == []
        looks = [registry.get_sample_value("tracehound_silence_looks_total", {"partition": n}) for n in ("0", "1")]
        assert looks == [None, 2.0]

    asyncio.run(test())


def test_the_end_of_a_replay_of_the_past_is_no_silence(fake_scorer: Any, fake_publisher: Any) -> None:
    async def test() -> None:
        fetch = Fetching()
        metrics = Metrics(CollectorRegistry())
        delivery = Delivery(fake_publisher, "dead", metrics, 4, lambda error: None)
        partitions = Partitions(fake_scorer.forget)
        partitions.assign([0])
        for partition in partitions:
            partition.applications["live", ""] = Seen(9_500.0, 10_000.0, quiet_since_s=0.0)
            partition.applications["replayed", ""] = Seen(9_000.0, 10_000.0)
            partition.unrestored = {("live", ""), ("replayed", "")}
        await watch_silence(
            fake_scorer, partitions, lambda _: True, fetch, Topics(""), delivery, metrics, lambda: 600.0, 600.0
        )
        assert [application for _, application in fake_scorer.silent] == [("live", "")]
        assert fetch.asked == [(0, [("live", "")], 10_100.0)]

    asyncio.run(test())
