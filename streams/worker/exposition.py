"""Metrics as whoever asks for them can read them, and the traces that stand as examples beside them."""

import re

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

_OPENMETRICS = "application/openmetrics-text"
_IDENTITY = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
"""An identity of a trace. OpenMetrics allows 128 characters for an exemplar, and the client raises beyond."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)

Exemplar = dict[str, str]


def exposition(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """What was counted, and its media type: OpenMetrics where it is accepted, which alone has exemplars.

    Parameters:
        registry: of the metrics.
        accept: the header ``Accept`` of the request; empty where there is none.
    """
    # the client would read versions out of the header, and raise at what is none
    encode, media_type = choose_encoder(_OPENMETRICS if _OPENMETRICS in accept else "")
    return encode(registry), media_type


def trace_exemplar(trace_id: str) -> Exemplar | None:
    """The labels of an exemplar; None for what is no identity of a trace, which anybody may have sent.

    >>> trace_exemplar("4bf92f3577b34da6a3ce929d0e0e4736")
    {'trace_id': '4bf92f3577b34da6a3ce929d0e0e4736'}
    >>> trace_exemplar(""), trace_exemplar("a" * 65), trace_exemplar('"')
    (None, None, None)
    """
    return {"trace_id": trace_id} if _IDENTITY.fullmatch(trace_id) else None


def caller_exemplar(traceparent: str) -> Exemplar | None:
    """That of the trace which a request is part of, by its header (https://www.w3.org/TR/trace-context/).

    >>> caller_exemplar("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    {'trace_id': '4bf92f3577b34da6a3ce929d0e0e4736'}
    >>> caller_exemplar("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), caller_exemplar("")
    (None, None)
    """
    found = _TRACEPARENT.match(traceparent)
    return trace_exemplar(found[1]) if found else None
