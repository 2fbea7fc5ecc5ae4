"""Predictions on demand, with two workers: whoever owns an application says what it then says of the same execution."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.end_to_end.conftest import PARTITIONS, Field, WorkerProcess, wait_until_within
from tests.end_to_end.moments import ago
from tracehound.schemas.anomaly import as_jsonable
from tracehound.scripts.commands.score import score
from tracehound.streams.scoring.predictions.asking import PredictionClient, UnansweredError
from tracehound.streams.settings.settings import Settings

APPLICATIONS = [f"app-{number}" for number in range(8)]
COUNT = 300
TIMEOUT_S = 100.0


def execution(application: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "application": application,
        "operation": "GET /cart",
        "started_at": START_S + number,
        "duration_ms": 20.0 + number % 7,
        "trace_id": f"{application}-{number}",
        **more,
    }


START_S = ago(10_000)  # so long ago that nobody misses more of them


@pytest.fixture
def settings(field: Field, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in field.environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_two_workers_say_what_they_then_say_and_learn_nothing_of_it(
    field: Field, worker: Callable[..., WorkerProcess], settings: Settings, tmp_path: Path
) -> None:
    workers = [worker(field.environment) for _ in range(2)]
    wait_until_within(lambda: all(len(_owned(one)) == PARTITIONS // 2 for one in workers), "both own partitions", 120.0)
    field.send(
        [(name.encode(), json.dumps(execution(name, n)).encode()) for n in range(COUNT) for name in APPLICATIONS]
    )
    total = COUNT * len(APPLICATIONS)
    wait_until_within(lambda: sum(one.counted("executions_total") for one in workers) >= total, "all are scored", 120.0)
    client = PredictionClient(settings)
    try:
        said: dict[str, Any] = {}
        for name in APPLICATIONS:
            coming = [execution(name, COUNT, duration_ms=60_000.0), execution(name, COUNT + 1)]
            answers = [client.ask((name, ""), json.dumps(coming).encode(), TIMEOUT_S).result() for _ in range(2)]
            assert answers[0].predictions == answers[1].predictions
            assert answers[0].model is not None
            assert answers[0].model.learned == COUNT
            slow, usual = answers[0].predictions
            assert (slow.prediction, usual.prediction, usual.anomalies) == ("anomalous", "normal", [])
            said[name] = as_jsonable(slow.anomalies[0])
        new = client.ask(("new", ""), json.dumps(execution("new", 0)).encode(), TIMEOUT_S).result()
        assert [one.prediction for one in new.predictions] == ["warming"]
        wait_until_within(lambda: len(_lines(workers)) == 4 * len(APPLICATIONS) + 1, "each is in a log", 180.0)
        assert {one["application"] for one in _lines(workers)} == {*APPLICATIONS, "new"}
        assert all(_lines([one]) for one in workers)
        field.send(
            [(name.encode(), json.dumps(execution(name, COUNT, duration_ms=60_000.0)).encode()) for name in said]
        )
        told = field.read(field.topics.anomalies.name, lambda found: len(found) >= len(APPLICATIONS))
        assert {event["data"]["application"]: event for event in map(_content, told)} == said

        file = tmp_path / "executions.jsonl"
        file.write_text(json.dumps(execution(APPLICATIONS[0], COUNT + 2)) + "\n")
        shown = CliRunner().invoke(score, [str(file), "--json", "--timeout", str(TIMEOUT_S)], catch_exceptions=False)
        assert json.loads(shown.output)["prediction"] == "normal"
        assert [one.end() for one in workers] == [0, 0]
        with pytest.raises(UnansweredError, match=r"No worker answered for app-0 within 0\.5 s"):
            client.ask(("app-0", ""), json.dumps(execution("app-0", 0)).encode(), 0.5).result()
    finally:
        client.close()


def _owned(one: WorkerProcess) -> list[int]:
    found = json.loads(one.get("/readyz")[1]).get("partitions") if one.said("health_listening") else None
    return found or []


def _lines(workers: list[WorkerProcess]) -> list[dict[str, Any]]:
    return [line for one in workers for line in list(one.log) if line["event"] == "prediction"]


def _content(message: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(message.value())
    return content
