"""`tracehound models` against a worker: what is stored, reset, exported and taken back."""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.end_to_end.conftest import wait_until_within
from tracehound.detectors.scoring import snapshot as application_snapshot
from tracehound.scripts.commands.models import models

eventually = partial(wait_until_within, timeout_s=120.0)

Start = Callable[..., Any]


@pytest.fixture
def command(field: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    for name, value in field.environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(models, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def executions(application: str, count: int, first: int = 0) -> list[tuple[bytes, bytes]]:
    start_s = time.time() - 600
    return [
        (
            application.encode(),
            json.dumps(
                {
                    "application": application,
                    "operation": "GET /",
                    "started_at": start_s + 0.1 * number,
                    "duration_ms": 10.0 + number % 7,
                    "trace_id": str(number),
                }
            ).encode(),
        )
        for number in range(first, first + count)
    ]


def learned(file: Path) -> int:
    return application_snapshot.read(file.read_bytes()).numbers.seen


def test_models_are_listed_exported_reset_and_taken_back(
    field: Any, worker: Start, command: Callable[..., str], tmp_path: Path
) -> None:
    process = worker({**field.environment, "TRACEHOUND_SAVE_INTERVAL_S": "0.3"})
    field.send([*executions("shop", 60), *executions("bank", 40)])
    before, after = tmp_path / "before", tmp_path / "after"

    def stored(file: Path, count: int) -> bool:
        """What is stored may be of some of the executions at first."""
        listed = "2 of 2 applications" in command("list")
        return listed and bool(command("export", "shop", str(file))) and learned(file) == count

    eventually(lambda: stored(before, 60), "both applications are stored")

    command("reset", "shop", "--yes")
    eventually(lambda: "1 of 1 applications" in command("list"), "shop is forgotten")
    field.send(executions("shop", 5, first=60))
    eventually(lambda: stored(after, 5), "shop is learned anew")

    command("import", str(before))
    eventually(lambda: stored(after, 60), "shop has its old models")
    assert after.read_bytes() == before.read_bytes()

    def told(found: list[Any]) -> bool:
        changes = [str(json.loads(one.value())["data"]["change"]) for one in found]
        return changes.count("reset") == 2

    field.read(field.topics.models.name, told)
    assert process.end() == 0


def test_what_is_not_stored_or_no_snapshot_is_said(field: Any, command: Callable[..., str], tmp_path: Path) -> None:
    assert "0 of 0 applications" in command("list")
    with pytest.raises(Exception, match="There is no application 'shop'"):
        command("export", "shop", str(tmp_path / "out"), "--environment", "test")
    with pytest.raises(Exception, match="There is no application 'shop'"):
        command("reset", "shop", "--yes")
    (tmp_path / "in").write_bytes(b"\x80\x04cposix\nsystem\n")
    with pytest.raises(Exception, match="cannot be imported: The stored state is not a snapshot of tracehound"):
        command("import", str(tmp_path / "in"))
