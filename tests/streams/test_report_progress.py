"""Tallies of acknowledged runs and the progress records made of them."""

import asyncio
import json
from typing import Any

from prometheus_client import CollectorRegistry

from schemas.execution import Execution
from streams.delivery import Delivery
from streams.metrics import Metrics
from streams.report_progress import OTHER_OPERATIONS, ProgressLedger, report_progress, tally


def execution(operation: str = "GET /", started_s: float = 100.0, environment: str = "", **more: Any) -> Execution:
    return Execution("shop", operation, started_s, 1.0, environment=environment, **more)


def test_acknowledged_tallies_add_up_and_are_taken_once() -> None:
    ledger = ProgressLedger()
    ledger.acknowledged(tally([execution(), execution("POST /", 300.0, status="error")], []))
    ledger.acknowledged(tally([execution(started_s=200.0), execution(environment="test")], []))
    production, test = ledger.take()
    assert production.executions == 3
    assert production.errors == 1
    assert production.operations == {"GET /": 2, "POST /": 1}
    assert production.scored_through == "1970-01-01T00:05:00.000Z"
    assert (test.environment, test.executions) == ("test", 1)
    assert ledger.take() == []


def test_many_operations_are_summed_up() -> None:
    ledger = ProgressLedger()
    often = [execution("often")] * 5
    ledger.acknowledged(tally([*often, *(execution(f"job-{number}") for number in range(3_000))], []))
    (progress,) = ledger.take()
    assert len(progress.operations) == 1_001
    assert progress.operations["often"] == 5
    assert progress.operations[OTHER_OPERATIONS] == 3_005 - 5 - 999
    assert sum(progress.operations.values()) == progress.executions


def test_only_applications_with_new_executions_are_reported(fake_publisher: Any) -> None:
    async def test() -> None:
        metrics = Metrics(CollectorRegistry())
        delivery = Delivery(fake_publisher, "dead", metrics, 4, lambda error: None)
        ledger = ProgressLedger()
        await report_progress(ledger, "progress", delivery, metrics)
        ledger.acknowledged(tally([execution()], []))
        await report_progress(ledger, "progress", delivery, metrics)
        await report_progress(ledger, "progress", delivery, metrics)
        await delivery.idle()
        (sent,) = fake_publisher.topic("progress")
        assert sent.key == b"shop"
        assert json.loads(sent.value)["executions"] == 1

    asyncio.run(test())
