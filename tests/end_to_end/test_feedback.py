"""From an incident over `tracehound feedback` to models that do not tell the like again, over a restart."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Message

from tests.detectors.scoring.shop import changed, slowed, workload
from tests.end_to_end.conftest import wait_until_within
from tests.end_to_end.incident_stage import INCIDENTS
from tests.end_to_end.moments import ago
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution, ExecutionFailure, rfc3339
from tracehound.scripts.commands.feedback import feedback

eventually = partial(wait_until_within, timeout_s=180.0)


def data(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [json.loads(message.value())["data"] for message in messages]


@pytest.mark.parametrize("any_kafka", ["embedded"], indirect=True)
def test_what_was_judged_is_not_told_again_and_a_true_fault_is(
    field: Any, worker: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in field.environment.items():
        monkeypatch.setenv(name, value)
    environment = field.environment
    environment["TRACEHOUND_INCIDENT_WORKER__GROUP_ID"] = field.topics.prefix + "incidents"
    scoring, incidents = worker(environment), worker(environment, code=INCIDENTS)
    start_s = ago(5_000)

    def send(executions: Sequence[Execution]) -> None:
        field.send([(b"shop", encode(execution)) for execution in executions])

    send([*workload("shop", 1_000, 1, start_s), *slowed(workload("shop", 60, 2, start_s + 1_000.0), 60.0)])
    [opened] = data(field.read(field.topics.severity.name, lambda found: len(found) == 1, 120.0))
    judged = CliRunner().invoke(feedback, [opened["incident_id"], "false_positive", "--by", "ann"])
    assert judged.exit_code == 0, judged.output
    field.read(field.topics.models.name, lambda found: "feedback" in [one["change"] for one in data(found)], 120.0)
    assert scoring.end() == 0

    scoring = worker(environment)
    repeat_s = start_s + 1_760.0
    repeated = slowed(workload("shop", 60, 4, repeat_s), 60.0)
    failing = changed(repeated[40:], status="error", error=ExecutionFailure("Timeout"))
    send([*workload("shop", 700, 3, start_s + 1_060.0), *repeated[:40], *failing])
    eventually(lambda: scoring.counted("executions_total") == 760, "all is scored")
    assert scoring.counted("anomalies_suppressed_total") > 0

    def later(found: Sequence[Message]) -> set[str]:
        times = [json.loads(message.value())["time"] for message in found]
        return {one["kind"] for one, at in zip(data(found), times, strict=True) if at >= rfc3339(repeat_s)}

    told = field.read(field.topics.anomalies.name, lambda found: "errors" in later(found))
    assert opened["kinds"] == ["latency"]
    assert later(told) == {"errors"}
    assert scoring.end() == incidents.end() == 0
