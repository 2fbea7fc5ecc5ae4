import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.scripts.benchmarks.trials.report import HEADINGS, Findings, Judged, rows, summary, table, write
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import Fault
from tracehound.scripts.simulator.judge import judge
from tracehound.scripts.simulator.truth import truth_of

SYSTEM = build_system()
FAULTS = (
    Fault("error_burst", "orders", 1_000.0, 60.0, 0.3),
    Fault("error_burst", "cart", 2_000.0, 60.0, 0.8),
    Fault("memory_leak", "cart", 3_000.0, 60.0, 100.0),
)


@pytest.fixture
def findings(make_anomaly: Callable[..., AnomalyEvent]) -> Findings:
    anomalies = [make_anomaly("orders", "errors", 1_004.0), make_anomaly("users", "latency", 5_000.0)]
    judgement = judge([truth_of(fault, SYSTEM) for fault in FAULTS], anomalies)
    quiet = judge([], [make_anomaly("users", "latency", 5_000.0), make_anomaly("cart", "errors", 6_000.0)])
    setup = {"seeds": 1, "rate": 100.0, "history_s": 600.0, "quiet_rate": 3.0, "strain": 0.2}
    return Findings(setup, Judged([judgement], 0.5), Judged([quiet], 4.0), 1.0)


def test_every_fault_has_a_row_with_what_was_detected_by_size(findings: Findings) -> None:
    assert list(rows(findings)) == [
        ("error_burst", "1 of 1", "–", "0 of 1", "4.0 s", "1 of 1", "0 of 1"),
        ("memory_leak", "–", "0 of 1", "–", "–", "–", "–"),
    ]
    assert table(findings).row_count == 2


def test_the_summary_is_about_the_ten_scenarios_and_the_budget(findings: Findings) -> None:
    said = summary(findings)

    assert "1 of 2 faults detected" in said
    assert "1 false alarms beside the faults in 0.50 application-days" in said
    assert "2 false alarms in 4 application-days: 0.50 a day and application" in said
    assert "(95 % interval 0.06 to 1.81); the budget is 1." in said


def test_figures_are_written_for_machines_and_people(findings: Findings, tmp_path: Path) -> None:
    write(findings, tmp_path)

    figures = json.loads((tmp_path / "trials.json").read_bytes())
    assert figures["scenarios"]["error_burst"]["detected"] == 1
    assert figures["scenarios"]["error_burst"]["sizes"]["small"]["median_delay_s"] == 4.0
    assert figures["scenarios"]["error_burst"]["other_causes"] == {"its own code": 1}
    assert figures["further_faults"]["memory_leak"]["detected"] == 0
    assert figures["beside_faults"]["per_application_day"] == 2.0
    assert (figures["quiet_days"]["per_application_day"], figures["alarm_budget"]) == (0.5, 1.0)
    page = (tmp_path / "trials.md").read_text()
    assert f"| {' | '.join(HEADINGS)} |" in page
    assert page.index("| error_burst |") < page.index("## Further faults") < page.index("| memory_leak |")
