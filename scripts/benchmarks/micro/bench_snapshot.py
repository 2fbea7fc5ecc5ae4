"""An application's models as bytes and back: twenty operations that are known well, and a forest."""

from pytest_benchmark.fixture import BenchmarkFixture

from tracehound.scripts.benchmarks.micro.workload import KEY, learned_scorer


def bench_snapshot(benchmark: BenchmarkFixture) -> None:
    """Models to bytes."""
    scorer = learned_scorer()
    assert benchmark(scorer.snapshot, KEY)


def bench_restore(benchmark: BenchmarkFixture) -> None:
    """Bytes to models, in place of what is there."""
    scorer = learned_scorer()
    assert benchmark(scorer.restore, scorer.snapshot(KEY)) == KEY
