"""How many executions a sampled one stands for: its adjusted count, from what tracers and Collectors say of sampling.

| who says it | adjusted count |
|---|---|
| `tracestate` `ot=th:…` (a threshold of 56 bits) | 2⁵⁶ / (2⁵⁶ − threshold) |
| `tracestate` `ot=p:…` (until 2023) | 2 to the power of it; 63 means that it stands for none, which says nothing |
| `sampling.probability`, `sampling.ratio` | its inverse |
| `SampleRate`, `sampleRate` (Honeycomb) | as it stands |
| `sampler.type` `probabilistic` or `const`, with `sampler.param` (Jaeger; on a trace's root) | its inverse |
| any other `sampler.type` (rate limiting), `tailsampling.policy` (Collector) | not known: 0 |

Source: https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/, the Collector's tail sampling
processor, and jaeger-client's samplers.
"""

from typing import Final

from tracehound.schemas.execution import LARGEST_ADJUSTED_COUNT
from tracehound.streams.intake.conventions.texts import Attributes, AttributeValue, text

SAMPLING: Final = frozenset(("sampling probability", "sample rate", "sampler type", "tail sampling"))
"""The concepts that tell of sampling."""
UNKNOWN = 0.0
"""It was sampled, and nobody says how."""
_WHOLE: Final = 1 << 56
_DIGITS = 14
_NONE_STANDS = 63
_PROBABILISTIC = frozenset(("probabilistic", "const"))


def adjusted_count(attributes: Attributes, trace_state: str = "") -> float | None:
    """How many executions a span's stands for: at least 1, 0 where it was sampled by nobody knows what; None where
    nothing is said of sampling, and where what is said cannot be.

    Parameters:
        attributes: by concept.
        trace_state: as W3C has it.

    >>> adjusted_count({}, "vendor=1,ot=rv:abc;th:8"), adjusted_count({"sampling probability": 0.1})
    (2.0, 10.0)
    >>> adjusted_count({"sampler type": "ratelimiting", "sampler parameter": 5})
    0.0
    """
    if not SAMPLING.isdisjoint(attributes):
        if "tail sampling" in attributes:
            return UNKNOWN
        said = _of_attributes(attributes)
        if said is not None:
            return said
    return _of_trace_state(trace_state) if "ot=" in trace_state else None


def _of_attributes(attributes: Attributes) -> float | None:
    if (probability := _number(attributes.get("sampling probability"))) is not None:
        return _inverse(probability)
    if (rate := _number(attributes.get("sample rate"))) is not None:
        return _bounded(rate)
    sampler = text(attributes.get("sampler type"))
    if not sampler:
        return None
    if sampler not in _PROBABILISTIC:
        return UNKNOWN
    parameter = _number(attributes.get("sampler parameter"))
    return UNKNOWN if parameter is None else _inverse(parameter)


def _of_trace_state(trace_state: str) -> float | None:
    for member in trace_state.split(","):
        vendor, _, content = member.strip().partition("=")
        if vendor == "ot":
            said = dict(part.partition(":")[::2] for part in content.split(";"))
            return _of_threshold(said["th"]) if "th" in said else _of_power(said.get("p", ""))
    return None


def _of_threshold(digits: str) -> float | None:
    if not 0 < len(digits) <= _DIGITS:
        return None
    try:
        threshold = int(digits.ljust(_DIGITS, "0"), 16)
    except ValueError:
        return None
    return _bounded(_WHOLE / (_WHOLE - threshold)) if 0 <= threshold < _WHOLE else None


def _of_power(digits: str) -> float | None:
    if not digits.isdecimal() or len(digits) > 2:
        return None
    power = int(digits)
    return _bounded(2.0**power) if power < _NONE_STANDS else None


def _number(given: AttributeValue | None) -> float | None:
    try:
        number = None if given is None or isinstance(given, bool) else float(given)
    except (ValueError, OverflowError):
        return None
    return 1.0 if given is True else number


def _inverse(probability: float) -> float | None:
    return _bounded(1.0 / probability) if 0.0 < probability <= 1.0 else None


def _bounded(count: float) -> float | None:
    return UNKNOWN if count > LARGEST_ADJUSTED_COUNT else count if count >= 1.0 else None
