from typing import Any

from tracehound.scripts.benchmarks.joined.report import report


def recording(commit: str) -> dict[str, Any]:
    run = {
        "encoding": "otlp-json",
        "speed": "max",
        "seconds": 39.3,
        "executions": 1_200,
        "missing": 0,
        "surplus": 1,
        "repeated": 2,
        "different": 3,
        "precision": {"visible": 0.75, "all": 0.8},
    }
    return {
        "commit": commit,
        "date": "2026-11-30",
        "spans": 5_000,
        "executions": 1_201,
        "offline": {"visible": 0.9, "all": 0.85},
        "runs": [run],
    }


def test_each_recording_says_what_was_measured_and_on_which_commit() -> None:
    page = report({"train_ticket_30": recording("aaaaaaaaaa"), "online_boutique_22": recording("bbbbbbbbbb")})

    assert "## train_ticket_30\n\n5,000 spans, measured on 2026-11-30, commit `aaaaaaaaaa`.\n" in page
    assert "## online_boutique_22\n\n5,000 spans, measured on 2026-11-30, commit `bbbbbbbbbb`.\n" in page
    assert page.count("| otlp-json | max | 39 s | 1,200 | 0 | 1 | 2 | 3 | 0.750 | 0.800 |") == 2
    assert page.count("0.150 on visible, 0.050 on all windows.") == 2
