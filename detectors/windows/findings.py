"""What windows of an application say: the golden signals, their judgements, those worth telling, and the sentence."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots
from tracehound.detectors.telling.amounts import number
from tracehound.schemas.anomaly import AnomalyKind


@dataclass(frozen=True, slots=True)
class GoldenSignal:
    """One of the four signals: its name in an anomaly, the anomaly's kind, and the unit of its figures."""

    name: str
    kind: AnomalyKind
    unit: str


SIGNALS: Final = (
    GoldenSignal("traffic", "traffic", "executions/s"),
    GoldenSignal("window_latency", "latency", "percentile"),
    GoldenSignal("window_errors", "errors", "share"),
    GoldenSignal("concurrency", "saturation", "executions"),
)
TRAFFIC, LATENCY, ERRORS, CONCURRENCY = range(4)


@dataclass(frozen=True, slots=True)
class JudgedWindows:
    """k judgements, one per closed window and signal that it has: each array is (k,), in order of ``row``.

    ``row`` is the index of the execution that closed the window, ``slot`` its application, ``signal`` a place in
    ``SIGNALS``, ``start_s`` and ``end_s`` epoch seconds, ``count`` the executions in the window. ``score`` is −log10
    of the false-alarm probability (0 while warming, or where a deviation in that direction is no fault),
    ``deviation`` the signed residual in robust standard deviations; ``expected``, ``low``, ``high`` (a 90 % band) and
    ``actual`` are in the signal's unit. ``share`` is the share of the window's executions that is affected,
    ``matters`` True where the effect is large enough to tell somebody.
    """

    row: NDArray[np.int64]
    slot: Slots
    signal: NDArray[np.int64]
    start_s: Floats
    end_s: Floats
    count: Floats
    score: Floats
    deviation: Floats
    expected: Floats
    low: Floats
    high: Floats
    actual: Floats
    share: Floats
    matters: Flags
    warming: Flags

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Judgements of several signals as one: in the order of rows, then of windows, then of signals."""
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__}
        order = np.lexsort([columns["signal"], columns["start_s"], columns["row"]])
        return cls(**{name: column[order] for name, column in columns.items()})

    def findings(self, least_score: float) -> Iterator["WindowFinding"]:
        """The judgements that matter with a score of at least ``least_score``, in order."""
        for index in np.flatnonzero(self.matters & (self.score >= least_score)).tolist():
            values = {field.name: getattr(self, field.name)[index].item() for field in fields(WindowFinding)}
            yield WindowFinding(**values | {"signal": SIGNALS[values["signal"]], "count": int(values["count"])})


@dataclass(frozen=True, slots=True)
class WindowFinding:
    """One judged window that is worth an alarm; fields as in ``JudgedWindows``."""

    row: int
    slot: int
    signal: GoldenSignal
    start_s: float
    end_s: float
    count: int
    score: float
    deviation: float
    expected: float
    low: float
    high: float
    actual: float
    share: float


def sentence(application: str, finding: WindowFinding) -> str:
    """What a finding says, with numbers and UTC times of day.

    >>> finding = WindowFinding(0, 0, SIGNALS[TRAFFIC], 36e3, 36030.0, 360, 9.0, -7.0, 120.0, 100.0, 140.0, 12.0, 1.0)
    >>> sentence("shop", finding)
    'shop received 12 executions/s between 10:00:00 and 10:00:30, typically 120 (100 to 140).'
    """
    start, end = (time.strftime("%H:%M:%S", time.gmtime(moment)) for moment in (finding.start_s, finding.end_s))
    factor, unit = _SAID_IN.get(finding.signal.unit, (1.0, ""))
    actual, usual, low, high = (
        number(factor * value) for value in (finding.actual, finding.expected, finding.low, finding.high)
    )
    said = _SENTENCES[finding.signal.name]
    return said.format(
        application, actual, f"between {start} and {end}", f"typically {usual}{unit} ({low} to {high}{unit})"
    )


_SAID_IN: Final = {"share": (100.0, " %"), "percentile": (1.0, " %")}
"""Factor and name of units that a sentence says otherwise, by that of the signal."""
_SENTENCES: Final = {
    "traffic": "{0} received {1} executions/s {2}, {3}.",
    "window_latency": "Executions of {0} {2} were on average slower than {1} % of their operation's usual ones, {3}.",
    "window_errors": "{1} % of the executions of {0} {2} failed, {3}.",
    "concurrency": "{0} had {1} executions in progress at a time {2}, {3}.",
}
