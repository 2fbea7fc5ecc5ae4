"""Levels are summed up as the page says, and what is missing is counted."""

import json
from dataclasses import replace
from pathlib import Path

from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.benchmarks.latency.pairs import Answers
from tracehound.scripts.benchmarks.latency.report import Findings, Round, write

MACHINE = Machine("processor", 2, "3.11", "jvm")
SETUP = {"applications": 3, "operations": 2, "settle_s": 1.0, "plant_every_s": 0.05}


def round_of(share: float, latencies: list[int], unanswered: list[str]) -> Round:
    return Round(share, 1_000 * share, 1_000 * share, Answers(latencies, unanswered), 2.5, share)


def findings(*rounds: Round) -> Findings:
    return Findings(MACHINE, 1_000.0, False, rounds, SETUP)


def test_percentiles_are_medians_of_the_rounds_and_the_rarest_of_all_samples() -> None:
    [level] = findings(
        round_of(0.5, list(range(1, 101)), []),
        round_of(0.5, [value + 100 for value in range(1, 101)], ["lost"]),
        round_of(0.5, [value + 10 for value in range(1, 101)], []),
    ).levels()

    assert (level.p50_ms, level.p99_ms, level.p99_range_ms) == (60, 109, (99, 199))
    assert (level.p999_ms, level.longest_ms, level.samples) == (200, 200, 300)
    assert (level.unanswered, level.unanswered_ids, level.rate) == (1, ["lost"], 500)


def test_a_target_that_was_missed_is_told_as_missed() -> None:
    half = findings(round_of(0.5, [10, 60], []), round_of(0.5, [60, 121], ["lost"]), round_of(0.5, [10, 59], []))
    busy = findings(round_of(0.1, [10, 100], []))

    assert half.summary() == (
        "At 50 % of the maximum, 60 ms at the 99th percentile: met, 60 ms. At 50 % of the maximum, 120 ms at the "
        "99.9th percentile: **missed**, 121 ms. Of 7 planted executions 1 led to no anomaly."
    )
    assert [verdict.met for verdict in half.verdicts()] == [True, False]
    assert [(verdict.found, verdict.met) for verdict in busy.verdicts()] == [(10.0, True), (100, True)]
    assert findings(replace(round_of(0.1, [101], []), busy=0.31)).summary() == (
        "At 10 % of the maximum, 30 % of a core busy: **missed**, 31 %. At 10 % of the maximum, 100 ms at the 99th "
        "percentile: **missed**, 101 ms. Of 1 planted executions 0 led to no anomaly."
    )
    assert findings(round_of(0.8, [1], [])).verdicts() == []


def test_a_level_without_answers_is_not_shown_but_counted() -> None:
    nothing = findings(round_of(0.1, [], ["a", "b"]))

    assert nothing.levels() == []
    assert "Of 2 planted executions 2 led to no anomaly" in nothing.summary()


def test_files_hold_the_same_figures(tmp_path: Path) -> None:
    write(findings(round_of(0.1, [5, 7], []), round_of(0.5, [9, 11], ["lost"])), tmp_path)

    figures = json.loads((tmp_path / "latency.json").read_text())
    assert figures["maximum"] == 1_000
    assert figures["levels"]["0.5"]["p99_ms"] == 11
    assert figures["levels"]["0.5"]["unanswered"] == 1
    page = (tmp_path / "latency.md").read_text()
    assert "| 50 % | 500 | 9 ms | 11 ms (11 to 11) | 11 ms | 11 ms | 2 | 1 | 50 % |" in page
    assert (tmp_path / "latency.svg").read_text().startswith("<?xml")
