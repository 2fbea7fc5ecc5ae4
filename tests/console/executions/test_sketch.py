"""Quantiles of a sketch keep the bound that is stated, whatever the distribution; stored bytes are checked."""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from ddsketch.ddsketch import DDSketch
from ddsketch.pb import ddsketch_pb2
from ddsketch.pb.proto import DDSketchProto
from hypothesis import example, given
from hypothesis import strategies as st

from tracehound.console.executions.sketch import MOST_BINS, MOST_BYTES, RELATIVE_ERROR, Sketch, SketchError

SHARES = [0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0]
DISTRIBUTIONS: dict[str, Callable[[random.Random], float]] = {
    "heavy tail": lambda chance: chance.paretovariate(1.1),
    "log-normal": lambda chance: chance.lognormvariate(3.0, 1.5),
    "two modes": lambda chance: chance.gauss(2.0, 0.2) if chance.random() < 0.7 else chance.gauss(300.0, 30.0),
    "around zero": lambda chance: chance.gauss(0.0, 1.0),
    "whole and often zero": lambda chance: float(chance.choice([0, 0, 0, 1, 2, 50])),
}
finite = st.floats(-1e12, 1e12).filter(lambda value: value == 0.0 or abs(value) > 1e4)


def sketch_of(values: list[float]) -> Sketch:
    sketch = Sketch()
    sketch.add(values)
    return sketch


def lower_quantiles(values: list[float], shares: list[float]) -> list[float]:
    ordered = sorted(values)
    return [ordered[math.floor(share * (len(ordered) - 1))] for share in shares]


def assert_within_bound(sketch: Sketch, values: list[float]) -> None:
    for told, true in zip(sketch.quantiles(SHARES), lower_quantiles(values, SHARES), strict=True):
        assert told == pytest.approx(true, rel=RELATIVE_ERROR * (1 + 1e-9), abs=1e-300)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("at_once", [1, 20, 20_000])
def test_quantiles_are_within_the_stated_share_of_a_number_that_was_given(name: str, at_once: int) -> None:
    chance = random.Random(f"{name}")
    values = [DISTRIBUTIONS[name](chance) for _ in range(20_000)]
    sketch = Sketch()
    for first in range(0, len(values), at_once):
        sketch.add(values[first : first + at_once])
    assert sketch.count == len(values)
    assert_within_bound(sketch, values)
    assert_within_bound(Sketch.from_bytes(sketch.to_bytes()), values)


@given(st.lists(st.lists(finite, max_size=60), min_size=1, max_size=8))
def test_a_sum_of_sketches_is_the_sketch_of_all_numbers(parts: list[list[float]]) -> None:
    merged = Sketch()
    for part in parts:
        merged.merge(Sketch.from_bytes(sketch_of(part).to_bytes()))
    everything = [value for part in parts for value in part]
    assert merged.count == len(everything)
    if everything:
        assert_within_bound(merged, everything)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=80))
@example([2.7574663821507463e-302])
@example([5e-324, 2.3e-308, 1.7e308])
@example([-2.3e-308, -1.7e308] * 20)
def test_no_finite_number_is_too_much(values: list[float]) -> None:
    sketch = sketch_of(values)
    assert sketch.count == len(values)
    assert all(math.isfinite(value) for value in sketch.quantiles(SHARES))
    assert sum(bucket.count for bucket in sketch.histogram(10)) == len(values)
    assert len(zstandard.decompress(sketch.to_bytes())) <= MOST_BYTES
    assert Sketch.from_bytes(sketch.to_bytes()).quantiles(SHARES) == sketch.quantiles(SHARES)


def test_a_sketch_stays_small_and_right_above_where_numbers_spread_without_end() -> None:
    chance = random.Random(4)
    values = [10.0 ** chance.uniform(-250, 250) for _ in range(30_000)]
    sketch = sketch_of(values)
    assert len(zstandard.decompress(sketch.to_bytes())) <= MOST_BYTES
    assert sketch.quantiles([1.0]) == pytest.approx([max(values)], rel=RELATIVE_ERROR * (1 + 1e-9))


def test_buckets_lie_beside_each_other_and_hold_everything() -> None:
    values = [-30.0, -2.0, 0.0, 0.0, 1.0, 1.001, 5.0, 1e6]
    buckets = sketch_of(values).histogram(4)
    assert sum(bucket.count for bucket in buckets) == len(values)
    assert [bucket.above for bucket in buckets] == sorted(bucket.above for bucket in buckets)
    assert all(bucket.above <= bucket.to for bucket in buckets)
    assert buckets[0].above <= -30.0 <= buckets[0].to
    assert buckets[-1].above <= 1e6 <= buckets[-1].to


def test_what_is_stored_is_read_by_the_library_itself() -> None:
    sketch = sketch_of([1.0, 2.0, 300.0])
    message = ddsketch_pb2.DDSketch.FromString(zstandard.decompress(sketch.to_bytes()))
    read = DDSketchProto.from_proto(message)
    assert read.count == 3
    assert read.get_quantile_value(1.0) == pytest.approx(300.0, rel=RELATIVE_ERROR * (1 + 1e-9))


def packed(**changed: Any) -> bytes:
    own = DDSketchProto.to_proto(DDSketch(RELATIVE_ERROR))
    return zstandard.compress(ddsketch_pb2.DDSketch(**{"mapping": own.mapping, **changed}).SerializeToString())


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\x80\x04N.",
        zstandard.compress(b"\xff" * 40),
        zstandard.compress(bytes(10_000_000)),
        packed(mapping=DDSketchProto.to_proto(DDSketch(0.02)).mapping),
        packed(zeroCount=-1.0),
        packed(zeroCount=math.inf),
        packed(positiveValues=ddsketch_pb2.Store(contiguousBinCounts=[1.0, -1.0])),
        packed(positiveValues=ddsketch_pb2.Store(contiguousBinCounts=[math.nan])),
        packed(positiveValues=ddsketch_pb2.Store(contiguousBinCounts=[0.5])),
        packed(positiveValues=ddsketch_pb2.Store(binCounts={5: 1.0})),
        packed(positiveValues=ddsketch_pb2.Store(contiguousBinCounts=[1.0], contiguousBinIndexOffset=2**31 - 1)),
        packed(negativeValues=ddsketch_pb2.Store(contiguousBinCounts=[1.0], contiguousBinIndexOffset=-(2**31))),
        packed(positiveValues=ddsketch_pb2.Store(contiguousBinCounts=[0.0] * (MOST_BINS + 257))),
    ],
)
def test_stored_bytes_that_cannot_be_right_are_refused(stored: bytes) -> None:
    with pytest.raises(SketchError):
        Sketch.from_bytes(stored)


def test_a_sketch_without_numbers_is_stored_too() -> None:
    assert Sketch.from_bytes(Sketch().to_bytes()).count == 0
    assert Sketch().histogram(5) == []
