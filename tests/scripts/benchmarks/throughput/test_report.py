import json
from dataclasses import replace
from pathlib import Path

import pytest

from tracehound.scripts.benchmarks.measured_process import Measurement
from tracehound.scripts.benchmarks.throughput.contender_list import CONTENDERS
from tracehound.scripts.benchmarks.throughput.machine import this_machine
from tracehound.scripts.benchmarks.throughput.profile import Profile
from tracehound.scripts.benchmarks.throughput.report import Against, Findings, page_of, summary, write
from tracehound.scripts.benchmarks.throughput.run import Sizes


def figures(rate: float, cpu_us: float = 10.0) -> dict[str, dict[str, float]]:
    runs = [Measurement(rate * factor, 1e6 / cpu_us, cpu_us, 400.0) for factor in (0.9, 1.0, 1.2)]
    return summary(runs)


RATES = {
    "tracehound": 50_000.0,
    "tracehound_arrays": 110_000.0,
    "bare_decode": 200_000.0,
    "bare_decode_arrays": 220_000.0,
    "faust_river_no_table": 8_000.0,
    "faust_river": 5_000.0,
    "faust_river_take": 10_000.0,
    "quix_river": 20_000.0,
}
FINDINGS = Findings(
    {
        "count": 1_000,
        "short_count": 100,
        "short_applications": 5,
        "grown_count": 200,
        "grown_applications": 2,
        "applications": 7,
        "operations": 3,
        "batch": 50,
        "segments": 5,
        "rounds": 3,
    },
    {"processor": "A processor", "cores": 2, "quixstreams": "3.0"},
    {name: figures(rate) for name, rate in RATES.items()}
    | {"detection_off": figures(150_000, 2.5), "detection_off_arrays": figures(170_000, 1.5)},
    {"jvm_rcf": "Maven is needed."},
    {contender.name: contender.about for contender in CONTENDERS},
)


def test_figures_are_least_median_and_greatest() -> None:
    found = figures(1_000.0)["executions_per_second"]

    assert found == {"min": 900.0, "median": 1_000.0, "max": 1_200.0}


def test_every_target_is_judged_by_the_figures() -> None:
    verdicts = {(verdict.target, verdict.contender): verdict for verdict in FINDINGS.verdicts()}

    assert {key: verdict.met for key, verdict in verdicts.items()} == {
        ("100,000 executions/s", "tracehound"): False,
        ("10 × Faust + River without a table", "tracehound"): False,
        ("10 × Faust + River with a table", "tracehound"): True,
        ("10 × Faust + River with a table, `take` and linger", "tracehound"): False,
        ("10 × Quix + River", "tracehound"): False,
        ("15 × Kafka Streams + grown random cut forests", "tracehound"): None,
        ("100,000 executions/s", "tracehound_arrays"): True,
        ("10 × Faust + River without a table", "tracehound_arrays"): True,
        ("10 × Faust + River with a table", "tracehound_arrays"): True,
        ("10 × Faust + River with a table, `take` and linger", "tracehound_arrays"): True,
        ("10 × Quix + River", "tracehound_arrays"): False,
        ("15 × Kafka Streams + grown random cut forests", "tracehound_arrays"): None,
        ("transport in 2.5 µs of CPU", "detection_off"): True,
        ("transport in 1 µs of CPU", "detection_off_arrays"): False,
    }
    told = verdicts["10 × Quix + River", "tracehound"].sentence()
    assert told == "10 × Quix + River (tracehound): **missed**, 2.5 ×"


def test_a_target_is_not_judged_without_the_contender_that_it_names() -> None:
    others = {name: figure for name, figure in FINDINGS.contenders.items() if name != "quix_river"}
    unjudged = [verdict for verdict in replace(FINDINGS, contenders=others).verdicts() if verdict.met is None]

    assert {verdict.target for verdict in unjudged} == {
        "10 × Quix + River",
        "15 × Kafka Streams + grown random cut forests",  # did not run either
    }
    assert all(verdict.sentence().endswith("**not measured**") for verdict in unjudged)


def test_the_page_has_figures_ratios_and_who_was_not_measured() -> None:
    page = page_of(FINDINGS)

    row = next(line for line in page.splitlines() if line.startswith("| tracehound |"))
    rates = "| 50,000 (45,000 to 60,000) | 100,000 (100,000 to 100,000) | 10.0 | 400 |"
    assert f"{rates} 6.2 ×; 10.0 ×; 5.0 × | 2.5 × |  |" in row
    assert "- **jvm_rcf**: Maven is needed." in page
    assert any(line.startswith("| jvm_rcf |") and "**not measured**" in line for line in page.splitlines())
    assert "No profile." in page


def test_the_page_says_what_a_fixed_loop_took_around_the_rounds(tmp_path: Path) -> None:
    assert "fixed loop" not in page_of(FINDINGS)
    found = replace(FINDINGS, loop_s=[0.4, 0.5, 0.42])

    write(found, tmp_path)

    assert "took 0.40, 0.50, 0.42 s: the slowest hour was 25% slower than the fastest." in page_of(found)
    assert json.loads((tmp_path / "throughput.json").read_bytes())["fixed_loop_s"] == [0.4, 0.5, 0.42]


def test_the_page_says_when_the_clock_started_before_models_were_there() -> None:
    assert "flatter" not in page_of(FINDINGS)
    assert "**Too few executions, figures flatter:** trees are cold." in page_of(
        replace(FINDINGS, cold="trees are cold")
    )


@pytest.mark.parametrize(
    ("sizes", "cold"),
    [
        (Sizes(), None),
        (Sizes(count=400_000), "our isolation forests"),
        (Sizes(short_count=20_000), "River's half-space trees"),
        (Sizes(grown_count=200_000), "random cut forests"),
        (Sizes(applications=400), "our isolation forests"),
    ],
)
def test_models_are_there_when_the_clock_starts_if_there_are_enough_executions(sizes: Sizes, cold: str | None) -> None:
    found = sizes.why_cold()

    assert (found is None) == (cold is None)
    assert found is None or found.startswith(cold or "")


def test_a_profile_is_a_table_of_stages_and_one_of_functions_for_each_contender() -> None:
    profiles = {
        "tracehound": Profile(200, {"decoding": 0.25, "asyncio": 0.75}, {"decode (schemas/codec.py)": 0.2}),
        "tracehound_arrays": Profile(100, {"decoding": 1.0}, {}),
    }

    page = page_of(replace(FINDINGS, profile=profiles))

    assert "| decoding | 25.0% | 100.0% |\n| asyncio | 75.0% | 0.0% |" in page
    assert "innermost function, tracehound (200 samples)" in page
    assert "| `decode (schemas/codec.py)` | 20.0% |" in page


def test_figures_are_written_for_machines_and_people_and_what_is_written_by_hand_stays(tmp_path: Path) -> None:
    write(FINDINGS, tmp_path)
    page = tmp_path / "throughput.md"
    page.write_text(page.read_text() + "\n## By hand\n")
    drawn = (tmp_path / "throughput.svg").read_bytes()

    write(FINDINGS, tmp_path)

    assert page.read_text().endswith("\n## By hand\n")
    told = json.loads((tmp_path / "throughput.json").read_bytes())
    assert told["contenders"]["faust_river"]["executions_per_second"]["median"] == 5_000.0
    assert told["machine"]["quixstreams"] == "3.0"
    assert told["absent"] == {"jvm_rcf": "Maven is needed."}
    assert (tmp_path / "throughput.svg").read_bytes() == drawn
    assert b"<svg" in drawn


def test_an_earlier_build_stands_beside_with_what_each_round_gained(tmp_path: Path) -> None:
    def took(*cpu_us: float) -> list[Measurement]:
        return [Measurement(1e6 / one, 1e6 / one, one, 400.0) for one in cpu_us]

    runs = {"tracehound": took(5.0, 6.0, 4.0), "tracehound-abc": took(15.0, 12.0, 16.0), "quix_river": took(50.0)}
    found = replace(FINDINGS, against=Against.of("abc", runs))
    write(found, tmp_path)

    verdicts = [(one.contender, one.met) for one in found.verdicts() if one.target == "3 × as fast by CPU as abc"]
    assert verdicts == [("tracehound", True), ("tracehound_arrays", None)]
    told = json.loads((tmp_path / "throughput.json").read_bytes())["against"]
    assert (told["commit"], told["tracehound"]["cpu_s_per_million"]["median"]) == ("abc", 15.0)
    assert told["ratio"] == {"tracehound": {"min": 2.0, "median": 3.0, "max": 4.0}}
    assert "| tracehound | 15.0 | 10.0 | 3.00 × (2.00 to 4.00) |" in (tmp_path / "throughput.md").read_text()


@pytest.mark.parametrize("name", ["processor", "kernel", "python", "faust_streaming", "river", "randomcutforest"])
def test_this_machine_is_told(name: str) -> None:
    assert this_machine("external")[name] not in ("", "?", "none")
