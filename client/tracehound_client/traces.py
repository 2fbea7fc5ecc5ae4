"""Where an execution belongs in a trace, by the header that services hand on.

Source: W3C Trace Context, https://www.w3.org/TR/trace-context/#traceparent-header
"""

import os
import re
from dataclasses import dataclass

_HEADER = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class TraceParent:
    """The trace that called, and the span in it; both in lower-case hexadecimal digits, 32 and 16 of them."""

    trace_id: str
    span_id: str

    @property
    def header(self) -> str:
        """As the header ``traceparent`` has it."""
        return f"00-{self.trace_id}-{self.span_id}-01"


def trace_parent(header: str) -> TraceParent | None:
    """What a header ``traceparent`` says; None where it says nothing that is valid.

    >>> trace_parent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").span_id
    '00f067aa0ba902b7'
    >>> trace_parent("nonsense")
    """
    found = _HEADER.fullmatch(header.strip().lower())
    if found is None:
        return None
    version, trace_id, span_id, _, more = found.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceParent(trace_id, span_id)


def new_trace_id() -> str:
    """32 random digits, also in a process that was forked a moment ago or has seeded ``random``."""
    return os.urandom(16).hex()


def new_span_id() -> str:
    """16 random digits."""
    return os.urandom(8).hex()
