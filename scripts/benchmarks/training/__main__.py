"""``python -m tracehound.scripts.benchmarks.training``: writes what training takes beside what was estimated of it."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np

from tracehound.console.training.estimate import TrainingRun, error_share, estimated_before
from tracehound.schemas.model_event import ModelChange
from tracehound.scripts.benchmarks.training import tuning
from tracehound.scripts.benchmarks.training.runs import APPLICATIONS, trained
from tracehound.scripts.documents.stored import store

_BOUNDS = (0, 128, 256, 512, 1_024, 1_536, 10**9)
_UNTAUGHT = 5
_HEAD = """# What training takes, and what was estimated of it

Written by `make bench-training`: {applications} applications of 300 to 9,000 executions are scored as a worker does it,
and trained by their schedule and once each on demand, in a helper process. Before each of the {runs} runs its CPU
seconds were estimated from the runs before it, as the console does (`/api/v1/training/runs`); the first {untaught} rest
on the reference alone and do not count.

The estimate was off by **{median:.1%}** of the real cost at the median, by {p90:.1%} at the 90th percentile; all runs
took {cpu_s:.2f} CPU seconds, of which {estimated_s:.2f} had been estimated.

| samples | runs | real CPU ms, median | estimated CPU ms, median | off by, median | 90th percentile |
|---|---:|---:|---:|---:|---:|
"""


def measured(changes: Sequence[ModelChange]) -> dict[str, Any]:
    """The figures of training runs, told in their order."""
    costs = [change.cost for change in changes if change.cost is not None]
    runs = [TrainingRun(cost.cpu_s, cost.wall_s, cost.samples, cost.model_bytes) for cost in costs]
    estimates = estimated_before(runs)
    pairs = list(zip(runs, estimates, strict=True))[_UNTAUGHT:]
    errors = _errors(pairs)
    rows = []
    for low, high in itertools.pairwise(_BOUNDS):
        own = [(run, told) for run, told in pairs if low < run.samples <= high]
        if own:
            rows.append(
                {
                    "samples": f"{low + 1} to {min(high, max(run.samples for run, _ in own)):,}",
                    "runs": len(own),
                    "cpu_ms": round(1_000 * median(run.cpu_s for run, _ in own), 2),
                    "estimated_cpu_ms": round(1_000 * median(told for _, told in own), 2),
                    "error_share": _quantiles(_errors(own)),
                }
            )
    return {
        "runs": len(pairs),
        "cpu_s": round(sum(run.cpu_s for run, _ in pairs), 4),
        "estimated_cpu_s": round(sum(told for _, told in pairs), 4),
        "estimate_error_share": _quantiles(errors),
        "by_samples": rows,
    }


def _errors(pairs: Sequence[tuple[TrainingRun, float]]) -> list[float]:
    return [error for run, told in pairs if (error := error_share(told, run.cpu_s)) is not None]


def _quantiles(errors: Sequence[float]) -> dict[str, float]:
    middle, high = np.quantile(errors, [0.5, 0.9])
    return {"median": round(float(middle), 4), "p90": round(float(high), 4)}


def page(found: Mapping[str, Any]) -> str:
    """The figures in Markdown."""
    errors = found["estimate_error_share"]
    head = _HEAD.format(
        applications=APPLICATIONS,
        runs=found["runs"],
        untaught=_UNTAUGHT,
        median=errors["median"],
        p90=errors["p90"],
        cpu_s=found["cpu_s"],
        estimated_s=found["estimated_cpu_s"],
    )
    lines = [
        f"| {row['samples']} | {row['runs']} | {row['cpu_ms']:.2f} | {row['estimated_cpu_ms']:.2f} | "
        f"{row['error_share']['median']:.1%} | {row['error_share']['p90']:.1%} |"
        for row in found["by_samples"]
    ]
    return head + "\n".join(lines) + "\n"


@click.command()
@click.option("--output", default="docs/benchmarks", show_default=True, type=click.Path(path_type=Path))
def main(output: Path) -> None:
    """Train and tune, and write ``training.json`` and ``training.md``."""
    found = measured(list(trained())) | tuning.tuned()
    store(output / "training.json", found)
    told = page(found) + tuning.page(found)
    (output / "training.md").write_text(told)
    click.echo(told)


if __name__ == "__main__":
    main()
