"""`tracehound score` asks for neighbours of one application together, and says which line is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tracehound.scripts.commands.score import RefusedFileError, requests_of, score
from tracehound.streams.scoring.predictions.given import AnswerRules, GivenExecutions
from tracehound.streams.settings.settings import Settings

NOW_S = 10_000.0
GIVEN = GivenExecutions(AnswerRules.of(Settings()))


def line(application: str = "shop", **more: Any) -> dict[str, Any]:
    return {"application": application, "operation": "GET /", "started_at": 5.0, "duration_ms": 7.0, **more}


def asked(values: list[Any], most: int = 500) -> list[tuple[str, str, list[int]]]:
    lines = [json.dumps(value).encode() if value else b"  " for value in values]
    found = requests_of(lines, GIVEN, most, NOW_S)
    return [(one.executions[0].application, one.executions[0].environment, one.lines) for one in found]


def test_neighbours_of_one_application_and_environment_are_asked_for_together() -> None:
    values = [line(), None, [line(), line()], line("other"), line(), line(environment="test"), line(environment="test")]
    assert asked(values) == [
        ("shop", "", [1, 3, 3]),
        ("other", "", [4]),
        ("shop", "", [5]),
        ("shop", "test", [6, 7]),
    ]


def test_as_many_as_a_worker_takes_and_as_kafka_takes() -> None:
    assert [lines for *_, lines in asked([line()] * 5, most=2)] == [[1, 2], [3, 4], [5]]
    large = line(attributes={"note": "x" * 200_000})
    assert [lines for *_, lines in asked([large] * 5)] == [[1, 2], [3, 4], [5]]


def test_a_wrong_line_is_named() -> None:
    with pytest.raises(RefusedFileError, match="Line 2: The field 'duration_ms' must be a finite number >= 0"):
        asked([line(), line(duration_ms=-1)])


def test_the_status_says_that_the_file_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "executions.jsonl"
    file.write_text("{}\n")
    shown = CliRunner().invoke(score, [str(file)], catch_exceptions=False)
    assert (shown.exit_code, "Line 1: " in shown.output) == (1, True)
