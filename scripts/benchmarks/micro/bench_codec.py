"""From bytes to executions, and from anomalies to bytes."""

from pytest_benchmark.fixture import BenchmarkFixture

from detectors.fitting import InlineFitter
from detectors.scoring import Scorer
from detectors.settings import DetectionSettings
from schemas.codec import Limits, decode_record, encode
from schemas.execution import Execution
from scripts.benchmarks.micro.workload import AT_S, some_executions


def bench_decode(benchmark: BenchmarkFixture, size: int) -> None:
    """One execution, or an array of them; five segments each."""
    encoded = [encode(execution) for execution in some_executions(size)]
    value = encoded[0] if size == 1 else b"[" + b",".join(encoded) + b"]"
    decoded = benchmark(decode_record, value, Limits(), AT_S)
    assert len(decoded.executions) == size


def bench_encode_anomaly(benchmark: BenchmarkFixture) -> None:
    """An anomaly as it is published."""
    scorer = Scorer(DetectionSettings(), InlineFitter())
    scorer.score([Execution("shop", "GET /", AT_S + number, 100.0 + number % 7) for number in range(200)])
    [(_, anomaly)] = scorer.score([Execution("shop", "GET /", AT_S + 200.0, 50_000.0)]).anomalies
    assert benchmark(encode, anomaly)
