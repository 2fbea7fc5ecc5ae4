"""One log record of OTLP, whatever encoding it came in."""

import math
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class OtlpRecord:
    """The fields that are read; what is absent is empty, 0 or None. Ids are lower-case hexadecimal digits.

    Values are those of JSON, in the representation that OpenTelemetry gives to them outside of OTLP
    (https://opentelemetry.io/docs/specs/otel/common/#anyvalue-representation-for-non-otlp-protocols).
    """

    time_unix_nano: int = 0
    observed_time_unix_nano: int = 0
    severity_number: int = 0
    severity_text: str = ""
    body: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    trace_id: str = ""
    span_id: str = ""
    event_name: str = ""


def bytes_value(content: bytes) -> str:
    """Bytes as JSON holds them: in base64."""
    return b64encode(content).decode()


def double_value(given: float) -> float | str:
    """A number as JSON holds it: by its name where it has no digits.

    >>> double_value(1.5), double_value(-math.inf)
    (1.5, '-Infinity')
    """
    if math.isfinite(given):
        return given
    return "NaN" if math.isnan(given) else "Infinity" if given > 0 else "-Infinity"


def hex_id(content: bytes, length: int) -> str:
    """An id of so many bytes; what is none says that the log record belongs to no trace, or to none of its spans."""
    return content.hex() if len(content) == length and any(content) else ""
