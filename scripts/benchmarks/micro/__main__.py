"""Measures each part of the hot path by itself and compares it with the stored baseline."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from tracehound.scripts.benchmarks.micro.report import compare, figures_of, read, slower, table, write

_HERE = Path(__file__).parent


def measure(max_time_s: float, only: str) -> bytes:
    """Run the benchmarks whose names contain ``only``; the report of pytest-benchmark as JSON.

    The run is one of its own, also within a process of pytest-xdist: pytest-benchmark 5 takes that process's
    ``PYTEST_XDIST_WORKER`` for its own, switches itself off, and writes no report.

    Raises:
        RuntimeError: a benchmark failed, or there is none of that name; the message holds what pytest said.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST_")}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", str(_HERE), "-q", "-p", "no:cacheprovider", "-k", only),
                *("-o", "addopts=--import-mode=importlib", "-o", "python_files=bench_*.py"),
                *("-o", "python_functions=bench_*", "-o", "timeout=0"),
                *("--benchmark-timer=time.process_time", f"--benchmark-max-time={max_time_s}"),
                *("--benchmark-disable-gc", "--benchmark-warmup=on", f"--benchmark-json={report}"),
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise RuntimeError(
                f"The benchmarks must run. Got status {ended.returncode} and this:\n{ended.stdout[-3000:]}"
            )
        return report.read_bytes()


@click.command()
@click.option("--baseline", type=click.Path(path_type=Path, dir_okay=False), required=True, help="To compare with.")
@click.option("--write", "anew", is_flag=True, help="Write the baseline anew.")
@click.option("--fail-over", type=float, help="Status 1 where something takes more than so many times as long.")
@click.option("--max-time", "max_time_s", default=0.5, show_default=True, help="CPU seconds of each benchmark.")
@click.option("--only", default="", help="Benchmarks whose names contain this.")
def main(baseline: Path, anew: bool, fail_over: float | None, max_time_s: float, only: str) -> None:
    """Measure the parts of the hot path, in CPU time, and compare with the baseline."""
    console, stored = Console(), read(baseline)
    now = figures_of(measure(max_time_s, only))
    measured = {one.name for one in now}
    others = [figure for figure in stored if only and figure.name not in measured]
    compared = compare([figure for figure in stored if figure not in others], now)
    console.print(table(compared))
    console.print("The ratio is that of medians, each divided by what a fixed loop took just before and after.")
    if anew:
        write(baseline, [*others, *now])
    if fail_over is not None and (worse := list(slower(compared, fail_over))):
        console.print(f"More than {fail_over:g} times as long: {', '.join(one.name for one in worse)}.")
        sys.exit(1)


if __name__ == "__main__":
    main()
