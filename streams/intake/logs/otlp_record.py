"""One log record of OTLP, whatever encoding it came in."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class OtlpRecord:
    """The fields that are read; what is absent is empty, 0 or None. Ids are lower-case hexadecimal digits."""

    time_unix_nano: int = 0
    observed_time_unix_nano: int = 0
    severity_number: int = 0
    severity_text: str = ""
    body: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    trace_id: str = ""
    span_id: str = ""
    event_name: str = ""
