"""The figures say what was found and which targets were met."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tracehound.scripts.benchmarks.api.asking import Answers
from tracehound.scripts.benchmarks.api.filling import Size
from tracehound.scripts.benchmarks.api.reading import Reading
from tracehound.scripts.benchmarks.api.report import Engine, Findings, Peer, write
from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.documents.api_figures import api
from tracehound.scripts.documents.measured import Measured


def answers(p50_ms: float, p99_ms: float, per_cpu_second: float = 100.0) -> Answers:
    return Answers(300, p50_ms, p99_ms, per_cpu_second)


def findings(p99_ms: float, ratio: float, events: float) -> Findings:
    asked = dict.fromkeys(("list", "filter", "overview", "incident"), answers(10.0, 20.0))
    slow = asked | {"filter": answers(10.0, p99_ms)}
    engines = {
        "sqlite": Engine(asked, Reading(events, events, 120.0), 90.0),
        "postgresql": Engine(slow, Reading(events, events, 110.0), 95.0),
    }
    peer = Peer("0.65", answers(1, 1, 100 * ratio), answers(1, 1, 80), answers(1, 1, 100))
    return Findings(Machine("a processor", 2, "3.11.9", "jvm"), Size(), engines, peer, 0.5)


def page(found: Findings, folder: Path) -> str:
    write(found, folder)
    return api(Measured(folder))


def test_figures_are_stored_by_their_names(tmp_path: Path) -> None:
    write(findings(150.0, 4.0, 20_000.0), tmp_path)
    stored = orjson.loads((tmp_path / "api.json").read_bytes())
    assert stored["list_p50_ms"] == {"sqlite": 10.0, "postgresql": 10.0}
    assert stored["reader_events_per_second"] == {"sqlite": 20_000.0, "postgresql": 20_000.0}
    assert (stored["resident_mb"], stored["datasette_ratio"]) == (120.0, 4.0)


@pytest.mark.parametrize(
    ("p99_ms", "ratio", "events", "missed"),
    [(150.0, 4.0, 20_000.0, 0), (250.0, 4.0, 20_000.0, 1), (150.0, 2.0, 20_000.0, 1), (150.0, 4.0, 5_000.0, 2)],
)
def test_targets_are_said_to_be_met_or_missed(
    tmp_path: Path, p99_ms: float, ratio: float, events: float, missed: int
) -> None:
    said = page(findings(p99_ms, ratio, events), tmp_path)
    assert said.count("**missed**") == missed


def test_without_a_peer_nothing_is_compared(tmp_path: Path) -> None:
    said = page(replace(findings(150.0, 4.0, 20_000.0), peer=None), tmp_path)
    assert "Datasette" not in said
