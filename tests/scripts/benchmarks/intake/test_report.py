import json
from dataclasses import replace
from pathlib import Path

from tracehound.scripts.benchmarks.intake.report import TARGET, Against, Findings, Machine, write
from tracehound.scripts.benchmarks.intake.tracers import TracerCost


def spread(median: float) -> dict[str, float]:
    return {"min": median * 0.9, "median": median, "max": median * 1.1}


def run(spans_per_cpu_second: float) -> dict[str, dict[str, float]]:
    return {
        "spans_per_cpu_second": spread(spans_per_cpu_second),
        "executions_per_cpu_second": spread(spans_per_cpu_second / 2.5),
        "spans_per_second": spread(spans_per_cpu_second * 0.9),
        "cpu_s": spread(10.0),
        "wall_s": spread(12.0),
        "peak_mb": spread(400.0),
    }


STAGES = {"decode": 12.0, "rekey": 13.5, "join": 10.0, "emit": 1.0, "whole": 24.5}
FINDINGS = Findings(
    Machine("A processor", 2, "3.11.7", "jvm"),
    {"protobuf": run(25_000.0), "json": run(20_000.0)},
    {name: {"records": 20, "spans": 10_000, "executions": 4_000} for name in ("protobuf", "json")},
    {"protobuf": STAGES, "json": STAGES},
    3,
    2.0,
)


def test_the_headline_is_that_of_protobuf_and_says_whether_the_target_is_met() -> None:
    assert FINDINGS.summary().startswith("25,000 spans and 10,000 executions per CPU second (protobuf); ")
    assert FINDINGS.summary().endswith("the target of 100,000 spans is missed.")
    faster = replace(FINDINGS, worker={"protobuf": run(TARGET)})
    assert faster.summary().endswith("the target of 100,000 spans is met.")


def test_figures_are_written_for_machines_and_people(tmp_path: Path) -> None:
    write(FINDINGS, tmp_path)

    figures = json.loads((tmp_path / "intake.json").read_bytes())
    assert (figures["spans_per_cpu_second"], figures["executions_per_cpu_second"]) == (25_000.0, 10_000.0)
    assert figures["stages"]["json"]["join"] == 10.0
    assert figures["machine"] == {"processor": "A processor", "cores": 2, "python": "3.11.7", "kafka": "jvm"}
    page = (tmp_path / "intake.md").read_text()
    assert (
        "| protobuf | 25,000 (22,500 to 27,500) | 10,000 (9,000 to 11,000) | 22,500 (20,250 to 24,750) | 400 |" in page
    )
    rows = {
        "decode OTLP": (12.0, 12.0),
        "re-key by trace": (1.5, 1.5),
        "join": (10.0, 10.0),
        "write executions": (1.0, 1.0),
        "all in one process": (24.5, 24.5),
        "worker": (40.0, 50.0),
    }
    for title, (protobuf, in_json) in rows.items():
        assert f"\n| {title} | {protobuf:.1f} | {in_json:.1f} |" in page


def test_what_is_written_by_hand_below_the_figures_stays(tmp_path: Path) -> None:
    write(FINDINGS, tmp_path)
    page = tmp_path / "intake.md"
    page.write_text(page.read_text() + "\n## By hand\n")

    write(replace(FINDINGS, rounds=7), tmp_path)

    assert page.read_text().endswith("\n## By hand\n")
    assert "7 rounds" in page.read_text()


def test_this_machine_is_told() -> None:
    here = Machine.here("jvm")

    assert (here.kafka, here.cores > 0, here.python.count(".")) == ("jvm", True, 2)
    assert here.processor


def test_a_build_that_took_turns_is_on_the_page(tmp_path: Path) -> None:
    against = Against(
        "4b88fc4900", {"protobuf": spread(20_000.0)}, {"protobuf": {"min": 1.2, "median": 1.25, "max": 1.3}}
    )

    write(replace(FINDINGS, against=against), tmp_path)

    assert json.loads((tmp_path / "intake.json").read_bytes())["against"]["ratio"]["protobuf"]["median"] == 1.25
    row = "| protobuf | 20,000 (18,000 to 22,000) | 1.250 (1.200 to 1.300) |"
    assert row in (tmp_path / "intake.md").read_text()


def test_what_decoding_costs_in_other_formats_is_on_the_page(tmp_path: Path) -> None:
    write(replace(FINDINGS, tracers={"Jaeger": TracerCost(9.24, 1.0)}), tmp_path)

    assert json.loads((tmp_path / "intake.json").read_bytes())["tracers"]["Jaeger"]["microseconds"] == 9.24
    assert "\n| Jaeger | 1.0 | 9.2 |\n" in (tmp_path / "intake.md").read_text()
