"""The command behind `make bench-nab`: checks the scorer, runs the detector, writes figures, plots and report."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, track

from tracehound.scripts.benchmarks.nab.detection import Detections, detect
from tracehound.scripts.benchmarks.nab.plots import draw_comparison, draw_series
from tracehound.scripts.benchmarks.nab.reference import Check, check_scorer
from tracehound.scripts.benchmarks.nab.report import (
    choices_table,
    comparison,
    figures,
    losses_table,
    scorer_table,
    with_figures,
)
from tracehound.scripts.benchmarks.nab.scorer import Worth, worth_of
from tracehound.scripts.benchmarks.nab.search import ORDERS, SPACE, STANDARD, SWEEPS, Search
from tracehound.scripts.benchmarks.nab.validation import Result, cross_validate, tune_on_all
from tracehound.scripts.benchmarks.nab.workload import CorpusError, LabelledSeries, read_corpus
from tracehound.scripts.documents.stored import store

COMMAND = "python -m tracehound.scripts.benchmarks.nab"


def _results(corpus: Sequence[LabelledSeries], worths: Sequence[Worth]) -> tuple[Result, Result]:
    """Cross-validated, and tuned on all."""
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns) as progress:
        at_most = progress.add_task("settings", total=3 * ORDERS * SWEEPS * len(SPACE))
        search = Search(Detections(corpus), worths, lambda: progress.advance(at_most))
        results = cross_validate(corpus, worths, search), tune_on_all(corpus, worths, search)
        progress.update(at_most, completed=progress.tasks[at_most].total)
    return results


def _write(
    output: Path,
    corpus: Sequence[LabelledSeries],
    worths: Sequence[Worth],
    results: tuple[Result, Result],
    checks: Sequence[Check],
) -> None:
    """Figures, plots and the report's tables."""
    document = figures(*results, checks, COMMAND)
    store(output / "nab.json", document)
    choice = results[1].choices["tuned_on_all"]
    told = [detect(series, choice.setting) for series in corpus]
    draw_comparison(document, output / "nab_scores.png")
    draw_series(corpus, told, worths, choice.thresholds[STANDARD.name], output / "nab_series.png")
    sections = [
        comparison(document),
        scorer_table(checks),
        choices_table(document),
        losses_table(corpus, told, worths, choice),
    ]
    report = output / "nab.md"
    report.write_text(with_figures(report.read_text(), sections))


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("../shared/data"),
    show_default=True,
    help="Folder that holds nab/.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("docs/benchmarks"),
    show_default=True,
    help="Folder with nab.md, for nab.json and the plots.",
)
def main(data: Path, output: Path) -> None:
    """Run a detector of series on the Numenta Anomaly Benchmark, cross-validated and tuned on all."""
    try:
        corpus = read_corpus(data / "nab")
        worths = [worth_of(series) for series in corpus]
        checks = check_scorer(data / "nab", corpus, worths, lambda series: track(series, "scorer"))
        results = _results(corpus, worths)
        _write(output, corpus, worths, results, checks)
    except CorpusError as error:
        raise click.ClickException(str(error)) from error
    console = Console()
    for check in checks:
        console.print(check.detector, check.obtained, "reproduced" if check.reproduced else "NOT reproduced")
    console.print("cross-validated", results[0].scores)
    console.print("tuned on all", results[1].scores)
    if not all(check.reproduced for check in checks):
        raise click.ClickException("The scorer must reproduce the published scores, or no other figure means anything.")


if __name__ == "__main__":
    main()
