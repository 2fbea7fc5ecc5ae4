"""What all benchmarks here share: the machine's speed beside each figure, and how many executions come at once."""

from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tracehound.scripts.benchmarks.micro.calibration import calibrate


@pytest.fixture(autouse=True)
def calibrated(benchmark: BenchmarkFixture) -> Iterator[None]:
    """Keeps the mean of the machine's speed before and after beside each figure."""
    before = calibrate()
    yield
    benchmark.extra_info["calibration_s"] = (before + calibrate()) / 2


@pytest.fixture(params=[1, 200])
def size(request: pytest.FixtureRequest) -> int:
    """How many executions at once."""
    return int(request.param)
