"""How sure an anomaly is, and what would be normal again, in words for people."""

from collections.abc import Callable, Sequence

from tracehound.detectors.telling.amounts import duration, megabytes, number
from tracehound.detectors.telling.deviation import ERROR_TYPE, Deviation
from tracehound.schemas.anomaly import Concentration

BLOCK_S = 300.0
"""A calibrated score is of so many fault-free seconds of an application."""
STRONG, WEAK = 0.75, 0.5
"""What is common is said where so many of the deviating executions have it, and at most half as many of the usual."""
_LONGEST_YEARS = 100.0
_PERIODS = (("year", 365.25 * 86_400.0), ("day", 86_400.0), ("hour", 3_600.0), ("minute", 60.0))


def rarity(score: float, of_s: float = BLOCK_S) -> str:
    """How often chance alone would score as much, where ``score`` is −log10 of its probability within ``of_s`` seconds.

    >>> rarity(2.0), rarity(4.0), rarity(40.0), rarity(1.0, 0.1)
    ('about once in 8.3 hours', 'about once in 35 days', 'less than once in 100 years', 'about once a minute or more')
    """
    every_s = of_s * 10.0 ** min(score, 30.0)
    if every_s > _LONGEST_YEARS * _PERIODS[0][1]:
        return f"less than once in {_LONGEST_YEARS:g} years"
    for name, length_s in _PERIODS:
        if every_s >= length_s:
            count = every_s / length_s
            said = f"{count:.0f}" if count >= 10.0 else f"{count:.1f}".removesuffix(".0")
            return f"about once in {said} {name}s" if said != "1" else f"about once in 1 {name}"
    return "about once a minute or more"


def sure(score: float, learned: int, of_s: float = BLOCK_S) -> str:
    """How sure an anomaly is, as a sentence; ``learned`` counts the executions that say what is usual.

    >>> sure(4.0, 1_240)
    'By chance about once in 35 days, judged by 1240 executions.'
    """
    return f"By chance {rarity(score, of_s)}, judged by {learned} execution{'' if learned == 1 else 's'}."


def normal_again(deviation: Deviation) -> str:
    """What would no longer deviate, as a sentence in the deviation's unit.

    >>> normal_again(Deviation("self_ms", "ms", 120.0, 940.0, (80.0, 210.0), 9.0, 8.0))
    'Normal again at 210 ms or less.'
    >>> normal_again(Deviation("traffic", "executions/s", 120.0, 12.0, (100.0, 140.0), 9.0, 8.0))
    'Normal again from 100 to 140 executions/s.'
    """
    if deviation.signal in _WITHOUT_NUMBERS:
        return f"Normal again {_WITHOUT_NUMBERS[deviation.signal]}."
    low, high = deviation.bounds
    if deviation.unit == "executions/s":
        return f"Normal again from {number(low)} to {number(high)} executions/s."
    return f"Normal again at {_UNITS.get(deviation.unit, _plain)(high)}{_OF.get(deviation.signal, '')} or less."


def with_what_is_common(sentence: str, common: Sequence[Concentration]) -> str:
    """The sentence, and what nearly all deviating executions have in common where few of the usual ones have it.

    >>> with_what_is_common("GET / takes 9 s.", [Concentration("host", "shop-7d9f", 0.96, 0.11)])
    "GET / takes 9 s; 96 % of those that deviate ran on host 'shop-7d9f', usually 11 %."
    """
    if not common or common[0].share < STRONG or common[0].usual_share > WEAK * common[0].share:
        return sentence
    first = common[0]
    what = _COMMON.get(first.attribute, f"have {first.attribute}")
    shares = (
        f"{_percent(first.share)} of those that deviate {what} {first.value!r}, usually {_percent(first.usual_share)}"
    )
    return f"{sentence.removesuffix('.')}; {shares}."


def _percent(share: float) -> str:
    return f"{number(100.0 * share)} %"


_COMMON = {"host": "ran on host", "version": "were of version"}


def _plain(value: float) -> str:
    return number(value)


_UNITS: dict[str, Callable[[float], str]] = {
    "ms": duration,
    "MB": megabytes,
    "share": _percent,
    "percentile": lambda value: f"{number(value)} %",
    "executions": lambda value: f"{number(value)} executions at a time",
    "segments": lambda value: f"{number(value)} of these segments",
    "sigma": lambda value: f"{number(value)} sigma",
}
_OF = {"error_rate": " failed", "window_errors": " failed"}
_WITHOUT_NUMBERS = {
    ERROR_TYPE: "once it no longer fails with that",
    "structure_missing": "with that segment",
    "structure_new": "without that segment, or once it is known",
    "structure_set": "with segments that occur together",
    "silence_ms": "with its next executions",
    "stopped_operations": "with their next executions",
}
