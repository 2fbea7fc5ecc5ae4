"""From executions to judgements: arrays, each detector by itself, all of them, and a whole scorer."""

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tracehound.detectors.ensemble.registry import DETECTORS, Build
from tracehound.detectors.forests.refitting import RefittedBank
from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.benchmarks.micro.workload import Models, learned_scorer, some_executions

_SETTINGS = DetectionSettings()
_LEARNED = 2_000
_WARM_TURNS = 50
_AT_ONCE = 200


def bench_batch(benchmark: BenchmarkFixture, size: int) -> None:
    """Features of executions, as arrays."""
    models = Models()
    assert len(benchmark(models.batch, some_executions(size)).times) == size


@pytest.mark.parametrize("build", DETECTORS, ids=[build(_SETTINGS).name for build in DETECTORS])
def bench_bank(benchmark: BenchmarkFixture, build: Build, size: int) -> None:
    """One detector scores and learns; a forest is fitted before."""
    bank, random = build(_SETTINGS), np.random.default_rng(5)
    bank.open(0, 11)
    values = random.uniform(0.3, 0.7, (_LEARNED, len(bank.columns)))
    if "error" in bank.columns:
        values[:, bank.columns.index("error")] = random.random(_LEARNED) < 0.002
    slots, times, learn = np.zeros(_LEARNED, np.int64), np.zeros(_LEARNED), np.ones(_LEARNED, np.bool_)
    bank.learn_many(slots, values, times)
    if isinstance(bank, RefittedBank):
        bank.install(0, bank.fit(*bank.sample(0)))
    given = (slots[:size], values[:size], times[:size], learn[:size])
    assert len(benchmark(bank.score_then_learn_many, *given)) == size


def bench_judge_then_learn(benchmark: BenchmarkFixture, size: int) -> None:
    """All detectors on executions that are arrays already."""
    models = Models()
    warm = models.batch(some_executions(_AT_ONCE))
    for _ in range(_WARM_TURNS):
        models.ensemble.judge_then_learn(warm)
    batch = models.batch(some_executions(size))
    assert len(benchmark(models.ensemble.judge_then_learn, batch).normal) == size


def bench_score(benchmark: BenchmarkFixture, size: int) -> None:
    """A whole scorer; refits are among the rounds, and too few to move the median."""
    scorer = learned_scorer()
    assert len(benchmark(scorer.score, some_executions(size)).score) == size
