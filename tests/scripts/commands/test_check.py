"""The command `tracehound check`: the same verdict from a file and from what the console keeps, and its exit status."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.console.store.reader.told import BEGIN_S, TOPICS, anomaly, incident, record
from tracehound.console.store.engine import Store
from tracehound.console.store.reader.writers import writers
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.topics import Topic
from tracehound.scripts.commands.check import check

FROM, TO = rfc3339(BEGIN_S - 86_400), rfc3339(BEGIN_S + 86_400)
ANOMALIES = [anomaly(second) for second in (10, 70, 130, 400)]
INCIDENTS = [incident("a", revision, change) for revision, change in ((1, "opened"), (500, "resolved"))]  # type: ignore[arg-type]


def said(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(check, [*map(str, arguments), "--from", FROM, "--to", TO, "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def outages(tmp_path: Path) -> Path:
    file = tmp_path / "outages.csv"
    file.write_text(f"start,end,application\n{rfc3339(BEGIN_S)},{rfc3339(BEGIN_S + 500)},shop\n")
    return file


def kept(store: Store, topic: Topic, values: list[bytes]) -> None:
    writer = writers(TOPICS)[topic.name]
    with store.write() as connection:
        writer.write(connection, [writer.row(record(topic.name, value)) for value in values])


def test_a_file_and_the_console_say_the_same(tmp_path: Path, outages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told.jsonl"
    told.write_bytes(b"\n".join([*ANOMALIES, *reversed(INCIDENTS)]))
    status, from_file = said("--incidents", outages, "--told", told)
    assert (status, from_file["verdict"], from_file["asked"]["recall"]) == (0, "PASS", 1.0)
    assert from_file["specification"] == "FDES v1.0.0-draft"

    store = Store(f"sqlite:///{tmp_path}/kept.db")
    store.migrate()
    kept(store, TOPICS.anomalies, ANOMALIES)
    kept(store, TOPICS.severity, INCIDENTS)
    monkeypatch.setenv("TRACEHOUND_CONSOLE__DATABASE_URL", f"sqlite:///{tmp_path}/kept.db")
    assert said("--incidents", outages) == (status, from_file)
    store.close()


def test_of_another_application_or_a_graver_severity_nothing_was_told(tmp_path: Path, outages: Path) -> None:
    told = tmp_path / "told.jsonl"
    told.write_bytes(b"\n".join(ANOMALIES))
    assert (
        said("--incidents", outages, "--told", told, "--severity", "critical")[1]["reasons"][-1] == "It never alerts."
    )
    status, other = said("--incidents", outages, "--told", told, "--application", "stock")
    assert (status, other["reasons"]) == (3, ["No bucket was an incident."])


def test_people_are_told_in_words_and_a_file_of_something_else_is_refused(tmp_path: Path, outages: Path) -> None:
    told = tmp_path / "told.jsonl"
    told.write_bytes(ANOMALIES[0])
    arguments = ["--incidents", str(outages), "--told", str(told), "--from", FROM, "--to", TO]
    result = CliRunner().invoke(check, arguments)
    assert result.exit_code == 0
    assert result.stdout.startswith("PASS by FDES v1.0.0-draft")
    assert "not to be had" in result.stdout  # one score orders nothing

    told.write_bytes(ANOMALIES[0] + b'\n{"type": "other"}')
    refused = CliRunner().invoke(check, arguments)
    assert "Line 2 of what was told must be an anomaly or an incident" in str(refused.exception)
