from dataclasses import replace
from itertools import count

import pytest

from tracehound.scripts.benchmarks.intake.stages import StageCost, measure_stages, run_once
from tracehound.scripts.benchmarks.intake.workload import Made, Record, make_workload
from tracehound.scripts.recorded.otlp_encoding import encode_json, encode_protobuf

START_S = 1_750_000_000.0


@pytest.fixture(scope="module")
def made_and_records() -> tuple[Made, list[Record]]:
    records: list[Record] = []
    return make_workload(3_000, encode_protobuf, START_S, records.append), records


def test_all_executions_come_out_of_either_encoding(made_and_records: tuple[Made, list[Record]]) -> None:
    made, records = made_and_records
    as_json: list[Record] = []
    make_workload(3_000, encode_json, START_S, as_json.append)

    assert run_once(records) == run_once(as_json) == made.executions


def test_stages_cost_what_the_clock_says_per_span(made_and_records: tuple[Made, list[Record]]) -> None:
    made, records = made_and_records
    ticks = count()

    cost = measure_stages(records, 3, lambda: float(next(ticks)))

    us = 1e6 / made.spans
    assert (cost.decode, cost.rekey, cost.join, cost.emit) == pytest.approx((us, us, us, us))
    assert cost.spans_per_execution == made.spans / made.executions


def test_the_whole_is_counted_without_decoding_twice() -> None:
    figures = StageCost(decode=10.0, rekey=12.0, join=7.0, emit=1.0, spans_per_execution=2.5).figures()

    assert figures["whole"] == 20.0
    assert figures["whole_per_execution"] == 50.0
    assert figures["spans_per_cpu_second"] == 50_000.0
    assert figures["executions_per_cpu_second"] == 20_000.0


def test_a_loss_is_no_result(made_and_records: tuple[Made, list[Record]]) -> None:
    _, [first, *others] = made_and_records

    with pytest.raises(RuntimeError, match="spans must be decoded and joined"):
        measure_stages([replace(first, spans=first.spans + 1), *others], 1)
