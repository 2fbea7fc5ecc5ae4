"""The internal contract of the spans topic: spans by trace, and the clocks of the topics they came from."""

from typing import Annotated, Literal

import msgspec

from tracehound.schemas.execution import Execution, ExecutionFailure, SegmentKind

SpanKind = Literal["internal", "server", "client", "producer", "consumer"]
MessagingOperation = Literal["send", "receive", "process", "settle"]
Stored = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
"""A number that still fits 64 bits when something is added, as Kafka's offsets and timestamps do."""
SourceName = tuple[str, int]
"""Topic and partition that spans were read from."""
Links = tuple[tuple[str, str], ...]
"""Trace and span ids."""
SHARED_SUFFIX = "-server"
"""What the id of a server's span ends in that shares the id of its caller's span."""


class Resource(msgspec.Struct, array_like=True, frozen=True):
    """What emitted spans: a service in an environment, of a version, on a host (empty where it is not said).

    ``places`` say where else it ran, as names and values: zone, region, cluster, node.
    """

    service: str
    environment: str = ""
    version: str = ""
    host: str = ""
    places: tuple[tuple[str, str], ...] = ()


class Message(msgspec.Struct, array_like=True, frozen=True):
    """What a span says of the messages that it sends or takes.

    ``destination`` is the system and the queue (``kafka orders``), ``group`` the consumer group; empty where they are
    not said. ``does``: who receives waits for messages, who processes works on them, who settles says that they were
    worked on. ``by_consumer``: the tracer's own views know a sender's peer by the consumer (Zipkin, Jaeger,
    SkyWalking), not by the destination. ``links`` are ids of what sent the messages, where that is no parent.
    ``waited_ms`` is how long they were in the queue, ``queued_s`` (epoch seconds) when they came into it, where the
    library says so.
    """

    destination: str = ""
    group: str = ""
    does: MessagingOperation = "process"
    by_consumer: bool = False
    links: Links = ()
    waited_ms: float | None = None
    queued_s: float | None = None


class Span(msgspec.Struct, array_like=True, gc=False):
    """One span, as an array.

    The first five are those of a recording: ``parent`` is an index into the trace's spans, ``ROOT`` or
    ``PARENT_NOT_RECORDED``; ``offset_us`` counts from the start of the trace, None where only the duration is
    known. ``type``, ``component`` (library), ``peer`` (address called) and ``is_error`` are optional there.

    The others are known where spans come from a tracing library: ids as hexadecimal digits, ``start_ns`` since
    the epoch, what the library says about the span's ``kind`` and the kind of ``segment`` it makes (a server's: that
    of its caller), whether its parent is in another process, its error and result, the ``message`` it is about,
    how many it stands for where it was sampled. On the
    spans topic ``service`` is empty and ``resource`` None, since both stand beside the list of spans, and ``parent``
    means nothing yet. Where both sides of a call share an id, the server's ends in ``SHARED_SUFFIX``.
    """

    service: str
    operation: str
    parent: int
    offset_us: float | None
    duration_us: float
    type: str | None = None
    component: str | None = None
    peer: str | None = None
    is_error: int | None = None
    id: str = ""
    parent_id: str = ""
    start_ns: int = 0
    kind: SpanKind | None = None
    segment: SegmentKind | None = None
    remote_parent: bool | None = None
    error: ExecutionFailure | None = None
    result: str | int | None = None
    resource: Resource | None = None
    message: Message | None = None
    adjusted_count: float | None = None


class TraceChunk(msgspec.Struct, array_like=True):
    """What one record held of one trace: spans by resource, and executions of native producers."""

    spans: list[tuple[Resource, list[Span]]] = []
    executions: list[Execution] = []

    def __len__(self) -> int:
        """How many spans and executions there are."""
        count = len(self.executions)
        for _, spans in self.spans:
            count += len(spans)
        return count


class SpanBatch(msgspec.Struct, array_like=True, tag="spans"):
    """A record of the spans topic: what one source record held for this partition.

    ``sequence`` grows with the source's offset (and with the part, where one record became several).
    ``clock_ms`` is the source's clock: the highest Kafka timestamp read from it so far, epoch milliseconds.
    ``traces`` are trace id, number of spans and the ``TraceChunk`` in MessagePack. ``topic_id`` says which topic of
    the source's name it is: sequences begin again where a topic is made anew. Empty where nobody knows.
    """

    source: SourceName
    sequence: Stored
    clock_ms: Stored
    traces: list[tuple[str, int, msgspec.Raw]]
    topic_id: str = ""


class Tick(msgspec.Struct, array_like=True, tag="tick"):
    """A record of the spans topic: how far its sender has read, told once in a while to every partition.

    ``clocks`` holds every source that the sender knows; None for those that others read. Everything that a
    source held up to its clock stands before the tick. ``sent_ms`` is the sender's wall clock. ``sent`` are messages
    that it read of since its last tick (``streams.intake.sent_messages``).
    """

    sent_ms: Stored
    clocks: list[tuple[str, int, Stored | None]]
    sent: bytes = b""
