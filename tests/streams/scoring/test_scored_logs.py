"""Executions of the kind `log` come out as log events: level, severity, and the anomaly that was told of each."""

import msgspec
import numpy as np
import pytest

from tests.streams.conftest import anomaly_of
from tracehound.detectors.logs.templates import Mined
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.codec import content_digest
from tracehound.schemas.execution import Execution, ExecutionFailure
from tracehound.schemas.log_event import LogEvent
from tracehound.schemas.log_levels import LEVELS
from tracehound.schemas.scored_log import ScoredLogEvent
from tracehound.streams.intake.logs.log_executions import execution_of
from tracehound.streams.scoring.scored_logs import scored_logs

MINED = Mined(7, "CPU spike detected", "CPU spike detected", 3)


def logged(level: str = "warning", **fields: object) -> Execution:
    event = LogEvent("CPU spike detected", level, "shop", "h", 1_767_225_600.0, {"cpu": 0.97}, id=f"id of {level}")
    return execution_of(msgspec.structs.replace(event, **fields), MINED, " logs")


def told(executions: list[Execution], anomalies: dict[int, AnomalyEvent] | None = None) -> list[ScoredLogEvent]:
    n = len(executions)
    scored = ScoredBatch(
        np.arange(n) / 2, [None] * n, np.arange(n) > 0, list((anomalies or {}).items()), model_events=[]
    )
    found = list(scored_logs(executions, scored, range(n)))
    assert [index for index, _ in found] == [row for row, one in enumerate(executions) if one.kind == "log"]
    events = [event for _, event in found]
    assert all(isinstance(event, ScoredLogEvent) for event in events)
    return events  # type: ignore[return-value]


def test_a_log_event_comes_out_as_it_came_with_template_score_and_severity() -> None:
    (event,) = told([logged()])
    assert msgspec.to_builtins(event) == {
        "id": "id of warning",
        "source": "/tracehound/shop",
        "type": "io.tracehound.log.scored.v1",
        "subject": "CPU spike detected",
        "time": "2026-01-01T00:00:00.000Z",
        "data": {
            "id": "id of warning",
            "application": "shop",
            "environment": "",
            "version": "",
            "host": "h",
            "level": "warning",
            "message": "CPU spike detected",
            "template": "CPU spike detected",
            "template_id": "7",
            "template_count": 3,
            "severity": "minor",
            "score": 0.0,
            "warming": False,
            "anomaly_id": None,
            "trace_id": "",
            "attributes": {"cpu": 0.97},
        },
        "specversion": "1.0",
        "datacontenttype": "application/json",
    }


def test_every_level_has_its_severity() -> None:
    severities = [event.data.severity for event in told([logged(level) for level in LEVELS])]
    assert severities == [None, None, None, "minor", "major", "critical"]


@pytest.mark.parametrize(("level", "severity", "expected"), [("info", "minor", "minor"), ("error", "minor", "major")])
def test_an_anomaly_of_it_is_named_and_the_graver_severity_counts(level: str, severity: str, expected: str) -> None:
    executions = [logged(level), Execution("shop", "GET /", 1.0, 5.0), logged(level)]
    anomaly = anomaly_of(executions[2])
    anomaly.data.severity = severity  # type: ignore[assignment]
    first, second = told(executions, {1: anomaly_of(executions[1]), 2: anomaly})
    assert (first.data.anomaly_id, second.data.anomaly_id) == (None, anomaly.id)
    assert (second.data.severity, second.data.score, second.data.warming) == (expected, 1.0, True)


def test_what_is_told_of_a_whole_application_is_no_anomaly_of_its_event() -> None:
    anomaly = anomaly_of(logged())
    anomaly.data.operation = ""
    assert told([logged()], {0: anomaly})[0].data.anomaly_id is None


def test_an_execution_of_the_kind_that_a_producer_wrote_is_a_log_event_too() -> None:
    plain = Execution("shop", "disk is full", 1.0, 0.0, kind="log")
    failed = Execution("shop", "disk", 1.0, 0.0, kind="log", status="error", error=ExecutionFailure("E", "it is full"))
    forged = Execution("shop", "disk", 1.0, 0.0, kind="log", attributes={"tracehound.log.id": 5})
    one, two, three = (event.data for event in told([plain, failed, forged]))
    assert (one.id, one.level, one.message, one.severity) == (content_digest(plain), "info", "disk is full", None)
    assert (two.level, two.message, two.template, two.severity) == ("error", "it is full", "disk", "major")
    assert (three.id, three.attributes) == (content_digest(forged), {})
