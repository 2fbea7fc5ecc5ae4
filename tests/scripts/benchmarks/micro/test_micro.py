"""Figures are compared as ratios that do not depend on the machine, and the command measures."""

import math
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from tracehound.scripts.benchmarks.micro.__main__ import main
from tracehound.scripts.benchmarks.micro.calibration import calibrate
from tracehound.scripts.benchmarks.micro.report import Figure, compare, figures_of, read, slower, write


def figure(name: str, median_s: float, calibration_s: float = 0.001) -> Figure:
    return Figure(name, median_s, 10, calibration_s)


def test_a_machine_of_half_the_speed_changes_no_ratio() -> None:
    [compared] = compare([figure("decode", 0.01)], [figure("decode", 0.02, calibration_s=0.002)])

    assert compared.ratio == pytest.approx(1.0)
    assert list(slower([compared], 1.01)) == []


def test_only_what_takes_so_many_times_as_long_is_slower() -> None:
    before = [figure("decode", 0.01), figure("encode", 0.01)]
    compared = compare(before, [figure("decode", 0.03), figure("encode", 0.011)])

    assert [one.name for one in slower(compared, 1.5)] == ["decode"]
    assert compared[0].ratio == pytest.approx(3.0)


def test_new_and_gone_benchmarks_are_shown_and_never_slower() -> None:
    compared = compare([figure("gone", 1.0)], [figure("new", 1.0)])

    assert [one.name for one in compared] == ["new", "gone"]
    assert all(math.isnan(one.ratio) for one in compared)
    assert list(slower(compared, 0.0)) == []


def test_a_baseline_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    figures = [figure("decode", 0.01), figure("encode", 0.5)]
    assert read(path) == []

    write(path, figures)

    assert read(path) == figures
    assert orjson.loads(path.read_bytes())["machine"]["cores"] >= 1


def test_the_report_of_the_plugin_is_stripped_to_what_is_needed() -> None:
    measured = {"name": "bench_decode[1]", "stats": {"median": 0.1, "rounds": 5, "data": [1]}, "extra": 1}
    report = orjson.dumps({"benchmarks": [measured | {"extra_info": {"calibration_s": 0.2}}], "machine_info": {}})

    assert figures_of(report) == [Figure("decode[1]", 0.1, 5, 0.2)]


def test_the_calibration_is_the_median_of_equal_pieces_of_work() -> None:
    moments = iter([0.0, 5.0, *(float(at) for at in range(10, 26))])

    assert calibrate(lambda: next(moments)) == 1.0


def test_the_command_measures_compares_and_fails_only_when_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    arguments = ["--baseline", str(path), "--only", "encode_anomaly", "--max-time", "0.02"]
    write(path, [figure("encode_anomaly", 1e-12), figure("not_measured", 1.0)])

    result = CliRunner().invoke(main, [*arguments, "--fail-over", "1000", "--write"])

    assert result.exit_code == 1
    assert "More than 1000 times as long: encode_anomaly." in result.output
    assert "not_measured" not in result.output
    kept, measured = read(path)
    assert kept == figure("not_measured", 1.0)
    assert measured.rounds >= 5
    assert 1e-8 < measured.median_s < 0.1
