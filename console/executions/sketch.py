"""How many numbers lie where, in little space: DDSketch, whose quantiles are right to a share of their value."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import zstandard
from ddsketch.ddsketch import BaseDDSketch
from ddsketch.mapping import LogarithmicMapping
from ddsketch.pb import ddsketch_pb2
from ddsketch.pb.proto import DDSketchProto
from ddsketch.store import CollapsingLowestDenseStore
from google.protobuf.message import DecodeError

RELATIVE_ERROR: Final = 0.005
"""A quantile that is told lies within this share of a number that was given."""
MOST_BINS: Final = 2_048
"""Bins of one sign: numbers that are 780 million times smaller than the largest are told as if they were that small."""
LARGEST: Final = 1e300
"""Larger numbers count as this one."""
MOST_BYTES: Final = 16 * (MOST_BINS + 256) + 256
"""A sketch has at most so many bytes before it is compressed, in the form in which it is stored."""
_BATCH = 24
"""From so many numbers on, arrays are faster than a loop."""
_MAPPING = LogarithmicMapping(RELATIVE_ERROR)
_BINS_PER_DOUBLING = 1.0 / math.log2(_MAPPING.gamma)
_LARGEST_COUNT = 2.0**53
_PACK = zstandard.ZstdCompressor(level=3)
_UNPACK = zstandard.ZstdDecompressor()


class SketchError(ValueError):
    """Stored bytes are no sketch of this kind."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """So many numbers above ``above`` and up to ``to`` (for negative ones from ``above``, and below ``to``)."""

    above: float
    to: float
    count: int


class Sketch:
    """Where numbers lie: its quantiles are within ``RELATIVE_ERROR`` of the true ones, whatever the distribution.

    Sketches can be added up: that of two windows is the same as one of all their numbers, so that coarser windows lose
    nothing. The same numbers give the same sketch in any order, but for those that ``MOST_BINS`` leaves out.

    Fails where numbers of one sign spread over more than ``MOST_BINS`` bins: low quantiles are too large then.

    Source: Ch. Masson, J. Rim, H. Lee, DDSketch (VLDB 2019).

    >>> one = Sketch()
    >>> one.add([float(number) for number in range(1, 1_001)])
    >>> one.count, [round(value) for value in one.quantiles([0.5, 0.99])]
    (1000, [500, 987])
    """

    def __init__(self) -> None:
        self._positive, self._negative, self._zeros = _store(), _store(), 0

    @property
    def count(self) -> int:
        """How many numbers it has seen."""
        return int(self._positive.count + self._negative.count) + self._zeros

    @property
    def resident_bytes(self) -> int:
        """About what it takes of memory."""
        return 600 + 32 * (len(self._positive.bins) + len(self._negative.bins))

    def add(self, values: Sequence[float]) -> None:
        """Add finite numbers."""
        if len(values) < _BATCH:
            for value in values:
                self._add_one(min(LARGEST, max(-LARGEST, value)))
            return
        numbers = np.clip(np.asarray(values, np.float64), -LARGEST, LARGEST)
        above, below = numbers > _MAPPING.min_possible, numbers < -_MAPPING.min_possible
        _add_many(self._positive, numbers[above])
        _add_many(self._negative, -numbers[below])
        self._zeros += int(len(numbers) - np.count_nonzero(above) - np.count_nonzero(below))

    def _add_one(self, value: float) -> None:
        if value > _MAPPING.min_possible:
            self._positive.add(_MAPPING.key(value))
        elif value < -_MAPPING.min_possible:
            self._negative.add(_MAPPING.key(-value))
        else:
            self._zeros += 1

    def merge(self, other: "Sketch") -> None:
        """Add what another has seen."""
        self._positive.merge(other._positive)
        self._negative.merge(other._negative)
        self._zeros += other._zeros

    def quantiles(self, shares: Iterable[float]) -> list[float]:
        """For each share in [0, 1] the number that so large a share of the others is at most; it needs some numbers."""
        sketch = self._whole()
        return [float(sketch.get_quantile_value(share)) for share in shares]

    def histogram(self, most: int) -> list[Bucket]:
        """At most about ``most`` buckets from the lowest to the highest, of widths that grow with what they hold."""
        bins = list(self._bins())
        at_once = max(1, math.ceil(len(bins) / max(1, most)))
        groups = (bins[first : first + at_once] for first in range(0, len(bins), at_once))
        return [Bucket(group[0].above, group[-1].to, sum(one.count for one in group)) for group in groups]

    def _bins(self) -> Iterator[Bucket]:
        for key, count in reversed(list(_counts(self._negative))):
            yield Bucket(-_edge(key), -_edge(key - 1), count)
        if self._zeros:
            yield Bucket(0.0, 0.0, self._zeros)
        for key, count in _counts(self._positive):
            yield Bucket(_edge(key - 1), _edge(key), count)

    def _whole(self) -> BaseDDSketch:
        return BaseDDSketch(_MAPPING, self._positive, self._negative, float(self._zeros))

    def to_bytes(self) -> bytes:
        """As DataDog's sketches are written (the message ``DDSketch`` of their ``ddsketch.proto``), in Zstandard."""
        return _PACK.compress(DDSketchProto.to_proto(self._whole()).SerializeToString())

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Sketch":
        """What ``to_bytes`` wrote.

        Raises:
            SketchError: the bytes are something else, or numbers in them cannot be right.
        """
        try:
            message = ddsketch_pb2.DDSketch.FromString(_unpacked(stored))
        except (zstandard.ZstdError, DecodeError) as error:
            raise SketchError(f"Stored bytes must be a sketch. They cannot be read: {error}") from error
        mapping = message.mapping
        if (mapping.gamma, mapping.indexOffset, mapping.interpolation) != (_MAPPING.gamma, 0.0, 0):
            raise SketchError(
                f"A stored sketch must have the relative error {RELATIVE_ERROR}. Got gamma {mapping.gamma} instead."
            )
        sketch = cls()
        sketch._zeros = _whole_number(message.zeroCount)
        _fill(sketch._positive, message.positiveValues)
        _fill(sketch._negative, message.negativeValues)
        return sketch


def _store() -> Any:
    return CollapsingLowestDenseStore(MOST_BINS)


def _add_many(store: Any, numbers: Any) -> None:
    if len(numbers):
        keys = np.ceil(np.log2(numbers) * _BINS_PER_DOUBLING).astype(np.int64)
        found = np.unique(keys, return_counts=True)
        _add_bins(store, list(zip(*(each.tolist() for each in found), strict=True)))


def _add_bins(store: Any, bins: list[tuple[int, float]]) -> None:
    """Add counts to bins, which are in order."""
    for key, count in (*bins[-1:], *bins[:-1]):  # the highest first: the store makes room for all others at once
        store.add(key, count)


def _counts(store: Any) -> Iterator[tuple[int, int]]:
    for index, count in enumerate(store.bins):
        if count:
            yield index + store.offset, int(count)


def _edge(key: int) -> float:
    return float(2.0 ** (key / _BINS_PER_DOUBLING))


def _unpacked(stored: bytes) -> bytes:
    unpacked: bytes = _UNPACK.decompress(stored, max_output_size=MOST_BYTES)
    if len(unpacked) > MOST_BYTES:  # where the frame names its size, the library asks for no bound
        raise SketchError(f"A stored sketch must be at most {MOST_BYTES} bytes long. Got {len(unpacked)} instead.")
    return unpacked


def _whole_number(count: float) -> int:
    if not 0.0 <= count <= _LARGEST_COUNT or count != int(count):
        raise SketchError(f"Counts of a stored sketch must be whole numbers >= 0. Got {count} instead.")
    return int(count)


def _fill(store: Any, message: Any) -> None:
    if message.binCounts or len(message.contiguousBinCounts) > MOST_BINS + 256:
        raise SketchError(f"A stored sketch must have at most {MOST_BINS} bins of one sign, one beside the other.")
    counts = np.asarray(message.contiguousBinCounts, np.float64)
    if not np.all((counts >= 0.0) & (counts <= _LARGEST_COUNT) & (counts == np.floor(counts))):
        raise SketchError("Counts of a stored sketch must be whole numbers >= 0. Got others instead.")
    filled = np.flatnonzero(counts)
    bins = list(zip((filled + message.contiguousBinIndexOffset).tolist(), counts[filled].tolist(), strict=True))
    if bins and not (bins[0][0] in _KEYS and bins[-1][0] in _KEYS):
        raise SketchError(
            f"Bins of a stored sketch must be from {_KEYS[0]} to {_KEYS[-1]}. Got {bins[0][0]} to {bins[-1][0]}."
        )
    _add_bins(store, bins)


_KEYS = range(_MAPPING.key(_MAPPING.min_possible) - 1, _MAPPING.key(LARGEST) + 2)
