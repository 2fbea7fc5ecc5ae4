"""The page says what the figures say."""

import json
from dataclasses import replace
from pathlib import Path

from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.benchmarks.scale.point import Point
from tracehound.scripts.benchmarks.scale.report import Findings, Restarted, growth, last_cache_mb, write
from tracehound.scripts.benchmarks.scale.workers import Crewed

MACHINE = Machine("processor", 2, "3.11", "jvm")
POINT = Point(
    operations=10,
    segments=5,
    applications=1,
    learned_each=120.0,
    us_per_execution=20.0,
    refit_us_per_execution=3.0,
    resident_mb=300.0,
    models_mb=4.0,
    state_bytes=13_000.0,
    snapshot_bytes=60_000.0,
    snapshot_ms=5.0,
    restore_ms=2.0,
    restore_s=0.002,
)


def of(points: list[Point], crews: list[Crewed] | None = None, restart: Restarted | None = None) -> Findings:
    return Findings(MACHINE, 32.0, points, crews or [], restart)


def point(operations: int, segments: int, us: float) -> Point:
    return replace(POINT, operations=operations, segments=segments, us_per_execution=us)


def test_growth_is_from_the_least_to_the_greatest_with_its_largest_step() -> None:
    told = growth(of([point(1_000, 5, 30.0), point(10, 5, 20.0), point(100, 5, 21.0)]))

    assert "With 5 segments an execution costs 20.0 µs among 10 operations and 30.0 µs among 1,000" in told
    assert "1.50 times as much for 100 times the operations" in told
    assert "the one from 100 to 1,000 operations (1.43 times)" in told
    assert "last cache holds 32 MB" in told
    assert "further one" not in told


def test_a_cost_that_shrinks_is_not_called_growth() -> None:
    assert "It grows at no step" in growth(of([point(1, 5, 30.0), point(10, 5, 20.0)]))


def test_young_operations_are_no_part_of_growth_and_told_apart() -> None:
    young = replace(point(100_000, 5, 60.0), learned_each=40.0)

    told = growth(of([point(10, 5, 20.0), point(100, 5, 22.0), young]))

    assert "20.0 µs among 10 operations and 22.0 µs among 100 operations" in told
    assert "fewer than 100 executions costs more" in told
    assert "60.0 µs among 100,000 operations with 5 segments after 40 executions of each" in told


def test_segments_are_compared_at_the_largest_size_that_has_several() -> None:
    told = growth(of([point(10, 1, 10.0), point(10, 20, 29.0), point(100, 5, 50.0)]))

    assert (
        "Among 10 operations an execution costs 10.0 µs with one segment and 29.0 µs with 20 segments: 1.00 µs" in told
    )


def test_one_point_or_none_compares_nothing() -> None:
    assert growth(of([])) == ""
    assert growth(of([POINT])).startswith("The models of 10 operations take 4 MB")


def test_files_hold_every_part_that_was_measured(tmp_path: Path) -> None:
    crews = [
        Crewed(1, 1_000, 5, 20_000.0, 25_000.0, 400.0, 1.0),
        Crewed(2, 1_000, 5, 30_000.0, 20_000.0, 800.0, 0.4),
    ]

    write(of([POINT, point(10, 1, 10.0)], crews, Restarted(50, 4.0, 6.0)), tmp_path)

    figures = json.loads((tmp_path / "scale.json").read_text())
    assert [one["executions_per_cpu_second"] for one in figures["points"]] == [50_000.0, 100_000.0]
    assert figures["restart"] == {"applications": 50, "first_s": 4.0, "all_s": 6.0}
    page = (tmp_path / "scale.md").read_text()
    assert page.index("| 10 | 1 | 120 | 100,000 |") < page.index("| 10 | 5 | 120 | 50,000 |")
    assert "2 workers score 1.50 times as many executions a second as 1, each for 1.25 times the CPU time" in page
    assert "scores again 4.0 s after" in page
    assert (tmp_path / "scale.svg").read_text().startswith("<?xml")


def test_what_was_left_out_is_not_on_the_page(tmp_path: Path) -> None:
    write(of([POINT]), tmp_path)

    page = (tmp_path / "scale.md").read_text()
    assert "Restart" not in page
    assert "Several workers" not in page


def test_the_last_cache_is_the_largest_or_not_known(tmp_path: Path) -> None:
    assert last_cache_mb(tmp_path) == 0.0
    for number, size in enumerate(("32K", "2048K")):
        (tmp_path / f"index{number}").mkdir()
        (tmp_path / f"index{number}" / "size").write_text(f"{size}\n")
    assert last_cache_mb(tmp_path) == 2.0
