"""Tallies of acknowledged runs and the progress records made of them."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from tests.streams.conftest import anomaly_of
from tracehound.detectors.columns.columned_executions import columned
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution, ExecutionFailure, QueueWait
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.scoring.report_progress import (
    OTHER_OPERATIONS,
    ProgressLedger,
    Tallies,
    Tally,
    report_progress,
    tally,
)
from tracehound.streams.scoring.score_chunk import ChunkOutcome


def execution(operation: str = "GET /", started_s: float = 100.0, environment: str = "", **more: Any) -> Execution:
    return Execution("shop", operation, started_s, 1.0, environment=environment, **more)


def test_queues_are_counted_by_the_messages_that_were_taken_from_them() -> None:
    wait = QueueWait("kafka orders", 40.0)
    ledger = ProgressLedger()
    for executions in ([execution(queue_wait=wait), execution()], [execution(queue_wait=wait)]):
        ledger.acknowledged(tallied(*executions))

    assert [progress.taken for progress in ledger.take()] == [{"kafka orders": 2}]


def tallied(*executions: Execution, anomalies: Iterable[AnomalyEvent] = ()) -> Tallies:
    outcome = ChunkOutcome(anomalies=[(0, anomaly) for anomaly in anomalies])
    return tally(columned(executions), [outcome], lambda key: None)


def plain_tally(executions: Iterable[Execution], anomalies: Iterable[AnomalyEvent]) -> Tallies:
    """One execution after the other."""
    tallies: Tallies = {}
    for one in executions:
        counted = tallies.setdefault((one.application, one.environment), Tally(one.started_s))
        counted.add(Tally(one.started_s, 1, int(one.failed), operations=Counter([one.operation])))
    for anomaly in anomalies:
        if (key := (anomaly.data.application, anomaly.data.environment)) in tallies:
            tallies[key].anomalies += 1
    return tallies


EXECUTIONS = st.lists(
    st.builds(
        Execution,
        application=st.sampled_from(["shop", "bank"]),
        operation=st.sampled_from(["GET /", "POST /"]),
        started_at=st.floats(0, 1e9),
        duration_ms=st.just(1.0),
        environment=st.sampled_from(["", "test"]),
        status=st.sampled_from(["ok", "error", "unset"]),
        error=st.none() | st.builds(ExecutionFailure, handled=st.booleans()),
    ),
    max_size=20,
)


@given(EXECUTIONS, st.data())
def test_a_tally_counts_as_one_execution_after_the_other(executions: list[Execution], data: st.DataObject) -> None:
    anomalous = data.draw(st.lists(st.sampled_from(executions), max_size=3)) if executions else []
    anomalies = [anomaly_of(one) for one in anomalous]
    found = tallied(*executions, anomalies=anomalies)
    assert found == plain_tally(executions, anomalies)
    assert list(found) == list(plain_tally(executions, anomalies))


def test_acknowledged_tallies_add_up_and_are_taken_once() -> None:
    ledger = ProgressLedger()
    ledger.acknowledged(tallied(execution(), execution("POST /", 300.0, status="error")))
    ledger.acknowledged(tallied(execution(started_s=200.0), execution(environment="test")))
    production, test = ledger.take()
    assert production.executions == 3
    assert production.errors == 1
    assert production.operations == {"GET /": 2, "POST /": 1}
    assert production.scored_through == "1970-01-01T00:05:00.000Z"
    assert (test.environment, test.executions) == ("test", 1)
    assert ledger.take() == []


def test_what_deviates_and_who_is_called_adds_up() -> None:
    key = ("shop", "")
    ledger = ProgressLedger()
    for ongoing, calls in (({"a": 5.0, "b": 1.0}, {"stock": 2}), ({"a": 3.0}, {"stock": 1, "till": 4})):
        outcome = ChunkOutcome(deviating={key: ongoing}, calls={key: calls})
        ledger.acknowledged(tally(columned([execution()]), [outcome], lambda key: None))
    (progress,) = ledger.take()
    assert progress.ongoing == {"a": 5.0, "b": 1.0}
    assert progress.calls == {"stock": 3, "till": 4}


def test_many_operations_are_summed_up() -> None:
    ledger = ProgressLedger()
    often = [execution("often")] * 5
    ledger.acknowledged(tallied(*often, *(execution(f"job-{number}") for number in range(3_000))))
    (progress,) = ledger.take()
    assert len(progress.operations) == 1_001
    assert progress.operations["often"] == 5
    assert progress.operations[OTHER_OPERATIONS] == 3_005 - 5 - 999
    assert sum(progress.operations.values()) == progress.executions


@pytest.mark.parametrize("letter", ["x", "\x01", "\U0001f600"])
def test_a_record_is_one_that_kafka_takes_whatever_names_there_are(letter: str) -> None:
    names = [f"{letter * 990}{number}" for number in range(1_000)]
    counted = Tally(0.0, executions=1_003)
    counted.operations = Counter({OTHER_OPERATIONS: 3} | dict.fromkeys(names, 1))
    counted.ongoing = {name: float(number) for number, name in enumerate(names)}
    counted.calls = counted.taken = Counter(dict.fromkeys(names, 1))
    ledger = ProgressLedger()
    ledger.acknowledged({("\x01" * 200, letter * 200): counted})

    [progress] = ledger.take()

    assert len(encode(progress)) < 1_000_000  # Kafka's usual limit is 1,048,588, with what is around it
    assert sum(progress.operations.values()) == counted.executions
    assert min(len(progress.calls), len(progress.taken)) > 10
    assert names[-1] in progress.ongoing


def test_only_applications_with_new_executions_are_reported(fake_publisher: Any) -> None:
    async def test() -> None:
        metrics = Metrics(CollectorRegistry())
        delivery = Delivery(fake_publisher, "dead", metrics, 4, lambda error: None)
        ledger = ProgressLedger()
        topics = Topics("")
        await report_progress(ledger, topics, delivery, metrics)
        ledger.acknowledged(tallied(execution(environment="test")))
        await report_progress(ledger, topics, delivery, metrics)
        await report_progress(ledger, topics, delivery, metrics)
        await delivery.idle()
        (sent,) = fake_publisher.topic(topics.progress.name)
        assert sent.key == b"shop"
        assert json.loads(sent.value)["executions"] == 1
        (told,) = fake_publisher.topic(topics.incident_input.name)
        assert told.key == b"test"
        assert json.loads(told.value) == {"progress": json.loads(sent.value)}

    asyncio.run(test())
