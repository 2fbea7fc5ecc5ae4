"""Whether a span failed, and with what error.

| convention | failed | not failed |
|---|---|---|
| status ERROR, or OK | ERROR, whatever else is said | OK, whatever else is said |
| HTTP server, status unset | 500 and above | 4xx, also with an exception: it became the answer |
| RPC server, status unset | UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS; an exception \
although the status is OK or not known (gRPC's instrumentation for Python writes 0 then) | NOT_FOUND and all others |
| server without any status, status unset | an exception: a handler panicked (otelhttp) | |
| tag ``error`` (OpenTracing, Zipkin), status unset | ``true``, or any text | ``false``, no text; a server's own 4xx |
| other spans, status unset | | an exception was handled |

Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status and .../rpc/grpc/#grpc-status.
"""

import re

from tracehound.schemas.execution import ExecutionFailure, SegmentKind
from tracehound.schemas.spans import SpanKind
from tracehound.streams.intake.conventions.names import EXCEPTION_MESSAGE, EXCEPTION_TYPE
from tracehound.streams.intake.conventions.texts import NAME_CHARACTERS, Attributes, AttributeValue, text

MESSAGE_CHARACTERS = 1_000

_RPC_FAILURES = frozenset(
    (2, 4, 12, 13, 14, 15, "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")
)
_RPC_FINE = frozenset((0, "OK", "ok", None))
_CLASS = re.compile(r"[\w.$]*(?:Exception|Error|Throwable)")


def rpc_failed(status: str | int | None) -> bool:
    """Whether a server's status of gRPC is a failure of the server's, by number or name."""
    return (status.upper() if isinstance(status, str) else status) in _RPC_FAILURES  # (Connect's are in lower case)


def is_failed(
    status_code: int,
    kind: SpanKind | None,
    segment: SegmentKind | None = None,
    result: str | int | None = None,
    by_result: bool = False,
    raised: bool = False,
) -> int | None:
    """Whether the span failed: 1 for the status ERROR (2), 0 for OK (1); for UNSET 1 or None by the table above.

    ``segment`` and ``result`` are those of its description, ``by_result`` what that says; ``raised``: there was an
    exception.

    >>> is_failed(0, "server", "http", 503, by_result=True), is_failed(0, "server", "http", 404, raised=True)
    (1, None)
    >>> is_failed(0, "server", None, None, raised=True), is_failed(0, "server", "rpc", 5, raised=True)
    (1, None)
    """
    if status_code == 2:
        return 1
    if status_code == 1:
        return 0
    if by_result:
        return 1
    if raised and kind == "server":
        uncaught = result in _RPC_FINE if segment == "rpc" else result is None
        return 1 if uncaught else None
    return None


def failure_of(
    is_error: int | None,
    status_message: str,
    error_type: AttributeValue | None,
    exception: Attributes | None,
    error: AttributeValue | None = None,
) -> ExecutionFailure | None:
    """The error of a span, None if it neither failed nor recorded an exception.

    ``exception`` are the attributes of the span's last event ``exception``; what it leaves open the status
    message, ``error.type`` and the tag ``error`` tell. An exception of a span that has not failed was handled. The
    type is cut to 200 characters, the message to 1000. A failed span that says nothing of its error has none.
    """
    if exception is None and is_error != 1:
        return None
    told = exception or {}
    kind = text(told.get(EXCEPTION_TYPE)) or text(error_type)
    message = text(told.get(EXCEPTION_MESSAGE)) or status_message
    if error is not None and not (kind and message):
        kind_told, message_told = error_told(error)
        kind, message = kind or kind_told, message or message_told
    if exception is None and not kind and not message:
        return None
    return ExecutionFailure(kind[:NAME_CHARACTERS], message[:MESSAGE_CHARACTERS], is_error != 1)


def tag_tells_failure(error: AttributeValue | None, kind: SpanKind | None, result: str | int | None) -> bool:
    """Whether a tag ``error`` says that the span failed.

    >>> [tag_tells_failure(error, "server", 404) for error in (True, "no such shelf", "404", "false", "", None)]
    [True, True, False, False, False, False]
    """
    if error is None or error is False or error == "":
        return False
    told = text(error)
    return told.casefold() != "false" and not (
        kind == "server" and isinstance(result, int) and 400 <= result < 500 and told == str(result)
    )


def error_told(error: AttributeValue) -> tuple[str, str]:
    """Type and message that a tag ``error`` tells.

    >>> error_told("out of stock"), error_told("java.lang.NullPointerException"), error_told("404"), error_told(True)
    (('', 'out of stock'), ('java.lang.NullPointerException', ''), ('404', ''), ('', ''))
    """
    told = text(error)
    if told.casefold() in ("true", "false", ""):
        return "", ""
    if _CLASS.fullmatch(told) or (told.isdecimal() and len(told) == 3):
        return told, ""
    return "", told
