"""The input contract: one execution of one operation of one application, with its segments."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
OperationName = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Environment = Annotated[str, msgspec.Meta(max_length=200)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0)]
LATEST_S = 1e11
"""The year 5138: milliseconds are noticed."""
EpochSeconds = Annotated[float, msgspec.Meta(ge=0, lt=LATEST_S)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]  # sums of millions of them fit into 64 bits
WholeNumber = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
DateTime = Annotated[
    str,
    msgspec.Meta(
        extra_json_schema={
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})$",
        }
    ),
]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Status = Literal["ok", "error", "unset"]
ExecutionKind = Literal["request", "job", "consumer", "command", "log"]
LARGEST_ADJUSTED_COUNT = 1e6
AdjustedCount = Annotated[float, msgspec.Meta(ge=0, le=LARGEST_ADJUSTED_COUNT)]
"""How many executions a sampled one stands for; 0 where it was sampled and nobody says how."""
ApplicationKey = tuple[str, str]
"""Application and environment: whose models an execution belongs to."""
SegmentName = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
LONGEST_LABEL = 1_000
Label = Annotated[str, msgspec.Meta(max_length=LONGEST_LABEL)]
"""What is remembered, or told, of an execution beside its names: ids, its version, its host, whom it calls."""
SegmentKind = Literal["db", "http", "rpc", "cache", "queue", "view", "code"]


class Segment(msgspec.Struct, omit_defaults=True, gc=False):
    """A part of an execution: a query, an outgoing call, a function.

    ``offset_ms`` counts from the start of the execution; without it the segment has no place in time and
    does not shorten the self time. ``remote_ms`` is the callee's own duration, known only where both sides of
    a synchronous call have been joined; ``duration_ms - remote_ms`` is the *call gap*. ``parent`` is the
    index of the enclosing segment in the execution's list; parents come before their children. ``count`` is more
    than 1 where it stands for so many equal ones, one after the other from its start, with the sums of their times.
    """

    name: SegmentName
    duration_ms: Milliseconds
    kind: SegmentKind = "code"
    offset_ms: float | None = None
    parent: Annotated[int, msgspec.Meta(ge=0)] | None = None
    status: Status = "unset"
    peer: Label | None = None
    span_id: str | None = None
    remote_ms: Milliseconds | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=10**12)] = 1


_SEGMENTS = msgspec.json.Decoder(list[Segment])


class ExecutionFailure(msgspec.Struct, omit_defaults=True, gc=False):
    """The error an execution ended with."""

    type: str = ""
    message: str = ""
    handled: bool = False


class QueueWait(msgspec.Struct, omit_defaults=True, gc=False):
    """How long messages waited in their queue, from the end of sending to the begin of the execution they began.

    ``destination`` is the system and the topic or queue, ``group`` the consumer group that took them (empty: the
    application itself). ``waited_ms`` is the *queue gap*; of a batch, that of the message that waited longest.
    ``sent_to`` is where the producer says that it sent to, where that has another name: an exchange, a topic with
    subscriptions.
    """

    destination: Name
    waited_ms: Milliseconds
    group: Annotated[str, msgspec.Meta(max_length=200)] = ""
    sent_to: Annotated[str, msgspec.Meta(max_length=200)] = ""


class ExecutionHead(msgspec.Struct, omit_defaults=True, gc=False):
    """The fields of ``Execution`` but for its segments, which may be read or not."""

    application: Name
    operation: OperationName
    started_at: EpochSeconds | DateTime
    duration_ms: Milliseconds
    trace_id: Label = ""
    span_id: Label = ""
    parent_span_id: Label = ""
    kind: ExecutionKind = "request"
    status: Status = "unset"
    result: str | WholeNumber | None = None
    environment: Environment = ""
    version: Label = ""
    host: Label = ""
    memory_peak_mb: Milliseconds | None = None
    cpu_ms: Milliseconds | None = None
    error: ExecutionFailure | None = None
    attributes: dict[str, Any] = {}
    queue_wait: QueueWait | None = None
    adjusted_count: AdjustedCount | None = None

    @property
    def started_s(self) -> float:
        """Start in epoch seconds."""
        return epoch_seconds(self.started_at) if isinstance(self.started_at, str) else self.started_at

    @property
    def failed(self) -> bool:
        """Whether the execution ended in an error."""
        return self.status == "error" or (self.error is not None and not self.error.handled)


class Execution(ExecutionHead, omit_defaults=True, gc=False):
    """One execution of one operation of one application: the value of ``executions.v1``.

    ``started_at`` is epoch seconds, or an RFC 3339 date-time with an offset; durations are milliseconds.
    Models belong to (``application``, ``environment``). Unknown fields are ignored.
    """

    segments: list[Segment] = []


class UnreadExecution(ExecutionHead, omit_defaults=True, gc=False):
    """An execution whose segments are still JSON: making an object of each takes most of the time of decoding.

    Nothing in ``segments`` but the nesting of its brackets has been checked.
    """

    segments: msgspec.Raw = msgspec.Raw(b"[]")


def whole(execution: ExecutionHead) -> Execution:
    """An execution with its segments.

    Raises:
        msgspec.DecodeError: it is unread, and its segments are not valid.

    >>> one = UnreadExecution("shop", "GET /", 0.0, 5.0, segments=msgspec.Raw(b'[{"name":"SELECT","duration_ms":2}]'))
    >>> [segment.name for segment in whole(one).segments]
    ['SELECT']
    """
    if isinstance(execution, Execution):
        return execution
    assert isinstance(execution, UnreadExecution)
    *head, segments = msgspec.structs.astuple(execution)
    fields = (*head, _SEGMENTS.decode(segments))  # in which segments come last
    return Execution(*fields)


def epoch_seconds(moment: str) -> float:
    """Seconds since the epoch of an RFC 3339 date-time with an offset.

    Raises:
        ValueError: ``moment`` is not a date-time, or has no offset from UTC.

    >>> epoch_seconds("2026-01-01T00:00:00Z")
    1767225600.0
    """
    return msgspec.convert(moment, _Moment).timestamp()


def rfc3339(epoch_s: float) -> str:
    """Epoch seconds as an RFC 3339 date-time in UTC with milliseconds.

    >>> rfc3339(1767225600.25)
    '2026-01-01T00:00:00.250Z'
    """
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
