"""``python -m tracehound.scripts.benchmarks.kept.sketches``: the sketch that is kept next to Apache DataSketches'.

Those are no dependency: ``pip install datasketches`` first.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click
import numpy as np
import zstandard
from ddsketch.ddsketch import DDSketch
from ddsketch.pb.proto import DDSketchProto

from tracehound.console.executions.sketch import Sketch

SHARES = (0.5, 0.75, 0.9, 0.95, 0.99)
NUMBERS, WINDOWS, AT_ONCE = 300_000, 60, 80


class Kept:
    """``Sketch`` as a contender."""

    def __init__(self) -> None:
        self._sketch = Sketch()

    def add(self, numbers: Any) -> None:
        """Add numbers."""
        self._sketch.add(numbers)

    def merge(self, other: "Kept") -> None:
        """Add those of another."""
        self._sketch.merge(other._sketch)

    def quantile(self, share: float) -> float:
        """One quantile."""
        return self._sketch.quantiles([share])[0]

    def stored(self) -> bytes:
        """As it is stored."""
        return self._sketch.to_bytes()


class Coarser:
    """DDSketch of the library itself, with twice the error."""

    def __init__(self) -> None:
        self._sketch = DDSketch(0.01)

    def add(self, numbers: Any) -> None:
        """Add numbers."""
        for number in numbers.tolist():
            self._sketch.add(number)

    def merge(self, other: "Coarser") -> None:
        """Add those of another."""
        self._sketch.merge(other._sketch)

    def quantile(self, share: float) -> float:
        """One quantile."""
        return float(self._sketch.get_quantile_value(share))

    def stored(self) -> bytes:
        """As it is stored."""
        return zstandard.compress(DDSketchProto.to_proto(self._sketch).SerializeToString())


class OfRanks:
    """A sketch of Apache DataSketches."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._sketch = make()

    def add(self, numbers: Any) -> None:
        """Add numbers."""
        self._sketch.update(numbers)

    def merge(self, other: "OfRanks") -> None:
        """Add those of another."""
        self._sketch.merge(other._sketch)

    def quantile(self, share: float) -> float:
        """One quantile."""
        return float(self._sketch.get_quantile(share))

    def stored(self) -> bytes:
        """As it is stored."""
        return zstandard.compress(self._sketch.serialize())


def contenders() -> dict[str, Callable[[], Any]]:
    """What is measured, by name."""
    import datasketches

    return {
        "DDSketch 0.5 %": Kept,
        "DDSketch 1 %": Coarser,
        "KLL k 200": lambda: OfRanks(lambda: datasketches.kll_doubles_sketch(200)),
        "KLL k 800": lambda: OfRanks(lambda: datasketches.kll_doubles_sketch(800)),
        "REQ k 12": lambda: OfRanks(lambda: datasketches.req_floats_sketch(12, True)),
        "REQ k 50": lambda: OfRanks(lambda: datasketches.req_floats_sketch(50, True)),
    }


def distributions() -> Iterator[tuple[str, Any]]:
    """Numbers by what they are drawn from."""
    chance = np.random.default_rng(7)
    yield "log-normal", chance.lognormal(3.0, 1.5, NUMBERS)
    yield "Pareto", (chance.pareto(1.1, NUMBERS) + 1.0) * 2.0
    slow = chance.random(NUMBERS) > 0.7
    yield "two modes", np.where(slow, chance.normal(300.0, 30.0, NUMBERS), chance.normal(2.0, 0.2, NUMBERS)).clip(0.01)
    yield "exponential", chance.exponential(50.0, NUMBERS)


def measured(make: Callable[[], Any], numbers: Any, true: Sequence[float]) -> str:
    """The largest error, the bytes of a window and of all together, and the time for a number."""
    windows = []
    begun_s = time.process_time()
    for some in np.array_split(numbers, WINDOWS):
        sketch = make()
        for batch in np.array_split(some, max(1, len(some) // AT_ONCE)):
            sketch.add(batch)
        windows.append(sketch)
    each_us = (time.process_time() - begun_s) / len(numbers) * 1e6
    one, whole = np.mean([len(sketch.stored()) for sketch in windows]), make()
    for sketch in windows:
        whole.merge(sketch)
    error = max(abs(whole.quantile(share) - value) / value for share, value in zip(SHARES, true, strict=True))
    return f"{error:7.2%}, {one:7,.0f} and {len(whole.stored()):7,} bytes, {each_us:.2f} µs a number"


@click.command()
def main() -> None:
    """Print errors, bytes and times."""
    for name, numbers in distributions():
        true = np.quantile(numbers, SHARES, method="inverted_cdf").tolist()
        for contender, make in contenders().items():
            click.echo(f"{name:12} {contender:15} {measured(make, numbers, true)}")


if __name__ == "__main__":
    main()
