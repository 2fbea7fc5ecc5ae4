"""Runs product and baselines over the recordings, in this process and in a pool, with progress."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, field
from functools import partial

from rich.progress import Progress

from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.benchmarks.quality import budget
from tracehound.scripts.benchmarks.quality.baselines import baselines_of
from tracehound.scripts.benchmarks.quality.execution_table import Collector, ExecutionTable
from tracehound.scripts.benchmarks.quality.figures import (
    Detection,
    Figures,
    Truth,
    base_rates,
    figures_of,
    published_figures,
    window_figures,
)
from tracehound.scripts.benchmarks.quality.product import ProductRun, run_product
from tracehound.scripts.benchmarks.quality.structure import run_structure
from tracehound.scripts.benchmarks.quality.workload import PATHS, DataSet


@dataclass(frozen=True, slots=True)
class Judged:
    """A recording with what is true of it, what the product said, and what each baseline said, by name.

    ``structure`` is what its structure detector says alone, where labels are per trace.
    """

    truth: Truth
    product: ProductRun
    structure: Detection | None = None
    baselines: dict[str, Detection] = field(default_factory=dict)

    @property
    def detection(self) -> Detection:
        """The product's scores and alarms: of the whole, or of its structure detector where labels are per trace."""
        return self.whole if self.structure is None else self.structure

    @property
    def whole(self) -> Detection:
        """Scores and alarms of all detectors together, against the alarm budget per application and day."""
        return Detection.of_product(self.product.kept)

    def figures(self) -> Figures:
        """Everything that goes into the JSON document under the recording's name."""
        run, truth = self.product, self.truth
        figures: Figures = {
            **base_rates(truth),
            **figures_of(self.detection, truth),
            "published": published_figures(run.kept, truth),
            "injected": window_figures(run.kept, truth),
            "executions": run.kept.executions,
            "us_per_execution": run.us_per_execution,
            "refits": {"fits": run.fits, "cpu_s": run.fit_cpu_s},
        }
        if self.structure is not None:
            figures["all_detectors"] = figures_of(self.whole, truth)
        if self.baselines:
            figures["baselines"] = {name: figures_of(found, truth) for name, found in self.baselines.items()}
        return figures


def judge(data_sets: Sequence[DataSet], bar: Progress, pool: Executor | None) -> list[Judged]:
    """Score each recording with the product, alone on the machine; then all baselines in the pool, if there is one."""
    judged, tables = [], []
    for data in data_sets:
        task = bar.add_task(data.name, total=data.recording.compressed_bytes)
        collector = Collector(with_segments=data.name == PATHS)
        seen = collector.add if pool is not None else lambda _: None
        run = run_product(data, DetectionSettings(), partial(bar.advance, task), seen)
        judged.append(Judged(Truth.of(data, run.kept), run, run_structure(data) if data.name == PATHS else None))
        tables.append(collector.table(data.warm_up))
    if pool is not None:
        _add_baselines(judged, tables, bar, pool)
    return judged


def _add_baselines(judged: Sequence[Judged], tables: Sequence[ExecutionTable], bar: Progress, pool: Executor) -> None:
    waiting: list[tuple[Judged, str, Future[Detection]]] = []
    for one, table in zip(judged, tables, strict=True):
        data_set = one.truth.data.name
        for number, baseline in enumerate(baselines_of(data_set)):
            waiting.append((one, baseline.name, pool.submit(_baseline, data_set, number, table)))
    task = bar.add_task("baselines", total=len(waiting))
    for one, name, future in waiting:
        one.baselines[name] = future.result()
        bar.advance(task)


def _baseline(data_set: str, number: int, table: ExecutionTable) -> Detection:
    return baselines_of(data_set)[number].detect(data_set, table)


def judge_budget(tuned: Judged, bar: Progress, pool: Executor) -> Figures:
    """False alarms against the budget, on the fault-free part of a recording and on simulated systems."""
    days = published_figures(tuned.product.kept, tuned.truth)["fault_free_application_days"]
    simulated = [pool.submit(budget.on_simulation, seed) for seed in range(budget.SEEDS)]
    recorded = pool.submit(budget.on_recording, tuned.truth.data, days)
    task = bar.add_task("alarm budget", total=len(simulated) + 1)
    for future in as_completed([*simulated, recorded]):
        future.result()
        bar.advance(task)
    return {
        tuned.truth.data.name: recorded.result().figures(),
        "simulated": budget.together([future.result() for future in simulated]).figures(),
    }
