"""From bytes to executions, and from anomalies to bytes."""

from pytest_benchmark.fixture import BenchmarkFixture

from tracehound.detectors.columns.columned_executions import ColumnedExecutions
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.codec import decode_record, encode
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.scripts.benchmarks.micro.workload import AT_S, some_executions
from tracehound.streams.scoring.read_columns import ColumnReader


def bench_decode(benchmark: BenchmarkFixture, size: int) -> None:
    """One execution, or an array of them, into objects; five segments each."""
    decoded = benchmark(decode_record, _record(size), Limits(), AT_S)
    assert len(decoded.executions) == size


def bench_read(benchmark: BenchmarkFixture, size: int) -> None:
    """The same as a worker does it: into columns."""
    read = benchmark(_read, ColumnReader(Limits()), _record(size))
    assert len(read) == size


def _record(size: int) -> bytes:
    encoded = [encode(execution) for execution in some_executions(size)]
    return encoded[0] if size == 1 else b"[" + b",".join(encoded) + b"]"


def _read(reader: ColumnReader, value: bytes) -> ColumnedExecutions:
    read = reader.read([value], AT_S)
    if read is None:
        raise RuntimeError("Executions that were encoded here must be read.")
    return read.executions


def bench_encode_anomaly(benchmark: BenchmarkFixture) -> None:
    """An anomaly as it is published."""
    scorer = Scorer(DetectionSettings(), InlineFitter())
    scorer.score([Execution("shop", "GET /", AT_S + number, 100.0 + number % 7) for number in range(200)])
    [(_, anomaly)] = scorer.score([Execution("shop", "GET /", AT_S + 200.0, 50_000.0)]).anomalies
    assert benchmark(encode, anomaly)
