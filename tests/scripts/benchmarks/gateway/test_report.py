"""The report says what was measured, and which targets were met."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tracehound.scripts.benchmarks.gateway.report import COLLECTOR, GATEWAY, Findings, Run, write
from tracehound.scripts.benchmarks.intake.report import Machine

MACHINE = Machine("a processor", 2, "3.11.9", "jvm")


def findings(ours: float, theirs: float | None, p99_ms: float = 20.0) -> Findings:
    runs = {
        GATEWAY: [
            Run(ours, ours, p99_ms, 100, 0),
            Run(ours + 2, ours, p99_ms, 100, 1),
            Run(ours + 1, ours, p99_ms, 1, 0),
        ]
    }
    if theirs is not None:
        runs[COLLECTOR] = [Run(theirs, theirs, 1.0, 50, 0)]
    return Findings(MACHINE, runs, 8.0)


def test_a_machine_that_others_use_is_said_to_be(tmp_path: Path) -> None:
    for load, said in ((0.2, "Nothing else ran on it."), (6.0, "6.0 processes of others wanted its 2 cores")):
        write(replace(findings(1_000, 1_500), load_before=load), tmp_path)
        assert said in (tmp_path / "gateway.md").read_text()
        assert orjson.loads((tmp_path / "gateway.json").read_bytes())["load_before"] == load


def test_medians_are_stored_and_losses_are_summed(tmp_path: Path) -> None:
    write(findings(1_000, 1_500), tmp_path)
    stored = orjson.loads((tmp_path / "gateway.json").read_bytes())
    assert {
        name: stored[name] for name in ("spans_per_cpu_second", "collector_spans_per_cpu_second", "p99_ms_half_load")
    } == {
        "spans_per_cpu_second": 1_001.0,
        "collector_spans_per_cpu_second": 1_500.0,
        "p99_ms_half_load": 20.0,
    }
    assert (stored["accepted"], stored["lost"]) == (201, 1)
    assert f"| {GATEWAY} | 1,001 | 1,000 | 20.0 | 201 | 1 |" in (tmp_path / "gateway.md").read_text()


@pytest.mark.parametrize(
    ("ours", "theirs", "p99_ms", "said"),
    [
        (1_000, 1_500, 20.0, "meets the target of 0.5); p99 at half load is 20 ms (meets"),
        (1_000, 2_500, 60.0, "misses the target of 0.5); p99 at half load is 60 ms (misses"),
        (1_000, None, 20.0, "No Collector was at hand"),
    ],
)
def test_targets_are_said_to_be_met_or_missed(ours: float, theirs: float | None, p99_ms: float, said: str) -> None:
    assert said in findings(ours, theirs, p99_ms).summary()
