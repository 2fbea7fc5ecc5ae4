"""Drills make no incident; the worker of incidents says when the last one was told, and how long that took."""

import pytest
from aiokafka import ConsumerRecord

from tests.detectors.incidents.records import START_S, anomaly, progress, wrapped
from tests.streams.conftest import FakeChangelog, KeepingPublisher
from tests.streams.incidents.test_group_incidents import INPUT, TOPICS, Worker, play, told
from tracehound.schemas.drill import DRILL_APPLICATION
from tracehound.schemas.incident_input import IncidentInput, encode_input
from tracehound.streams.kafka.runs.run import Run

TOLD_S = START_S + 3.25


def run_of(*told: IncidentInput, start: int = 0, told_s: float = TOLD_S) -> Run:
    records = [
        ConsumerRecord(*INPUT, offset, round(told_s * 1_000), 0, None, encode_input(one), None, -1, -1, ())
        for offset, one in enumerate(told, start)
    ]
    return Run(INPUT, records)


@pytest.mark.parametrize(("application", "incidents"), [("shop", 1), (DRILL_APPLICATION, 0)])
def test_nobody_is_told_of_a_drill_and_its_metrics_are(application: str, incidents: int) -> None:
    async def test() -> None:
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        worker = Worker(kept, publisher, 1)
        await worker.start(None)
        deviates = wrapped(anomaly(application, 0.0, "critical", trace_id="drill-1-0"))
        silent = wrapped(anomaly(application, 60.0, "critical", trace_id="other"))
        bank = wrapped(anomaly("bank", 9_000.0, "critical"))
        await worker.grouping.take(run_of(wrapped(progress(application, 0.0)), deviates))
        await worker.grouping.take(run_of(silent, bank, start=2, told_s=TOLD_S + 60.0))
        await worker.grouping.save()
        assert {one.data.applications[0] for one in told(publisher)} == {"bank"} | ({"shop"} if incidents else set())
        registry, labels = worker.metrics.registry, {"application": DRILL_APPLICATION}
        detected = registry.get_sample_value("tracehound_drill_detected_seconds", labels)
        last = registry.get_sample_value("tracehound_drill_last_success_timestamp_seconds", labels)
        if incidents:
            assert (detected, last) == (None, None)
        else:
            assert detected == pytest.approx(3.25, abs=0.01)
            assert last == pytest.approx(TOLD_S, abs=0.01)

    play(test())
