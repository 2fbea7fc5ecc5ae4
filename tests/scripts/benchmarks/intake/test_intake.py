import pytest

from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution
from tracehound.scripts.benchmarks.intake.__main__ import ExecutionsOut, Run, check_counts, compare
from tracehound.scripts.benchmarks.intake.workload import Made

MADE = Made(records=1, spans=6, executions=3)


def value_of(*numbers: int) -> bytes:
    executions = [Execution("shop", "GET /", 0.0, 1.0, trace_id="t", span_id=str(number)) for number in numbers]
    encoded = [encode(execution) for execution in executions]
    return encoded[0] if len(encoded) == 1 else b"[" + b",".join(encoded) + b"]"


def out_of(*values: bytes) -> ExecutionsOut:
    out = ExecutionsOut()
    for value in values:
        out.take(value)
    return out


def test_single_executions_and_arrays_are_counted() -> None:
    out = out_of(value_of(1), value_of(2, 3), value_of(3))

    assert (out.total, out.distinct) == (4, 3)


def test_nothing_is_said_where_all_came_out_once() -> None:
    check_counts(MADE, out_of(value_of(1, 2), value_of(3)), {"tracehound_late_spans_total": 0.0})


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ([value_of(1, 2)], {}),
        ([value_of(1, 2), value_of(2)], {}),
        ([value_of(1, 2, 3)], {"tracehound_late_spans_total": 1.0}),
        ([value_of(1, 2, 3)], {"tracehound_orphan_spans_total": 1.0}),
        ([value_of(1, 2, 3)], {"tracehound_offsets_lost_total": 1.0}),
        ([value_of(1, 2, 3)], {"tracehound_dead_letters_total InvalidSpan": 1.0}),
    ],
)
def test_losses_repetitions_and_late_spans_are_no_result(values: list[bytes], counts: dict[str, float]) -> None:
    with pytest.raises(RuntimeError, match="All 3 executions must come out, each once"):
        check_counts(MADE, out_of(*values), counts)


def test_builds_are_compared_round_by_round() -> None:
    def run(spans_per_cpu_second: float) -> Run:
        return Run(spans_per_cpu_second, 0.0, 0.0, 0.0, 0.0, 0.0)

    found = compare("other", {"json": [run(30.0), run(20.0), run(22.0)]}, {"json": [run(20.0), run(20.0), run(20.0)]})

    assert found.spans_per_cpu_second == {"json": {"min": 20.0, "median": 20.0, "max": 20.0}}
    assert found.ratio == {"json": {"min": 1.0, "median": 1.1, "max": 1.5}}
