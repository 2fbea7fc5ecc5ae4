"""The spans that the benchmark of intake reads: simulated applications, with the attributes that libraries add."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import msgspec

from tracehound.schemas.topics import Topic
from tracehound.scripts.recorded.otlp_encoding import Encode
from tracehound.scripts.recorded.otlp_sending import OtlpSender
from tracehound.scripts.recorded.otlp_spans import Attribute, Exported, OtlpSpan
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.simulation import Simulation, even_traffic

SPANS_PER_RECORD: Final = 500
APPLICATIONS: Final = 12
EXECUTIONS_PER_S: Final = 5_000.0
"""Event time passes so fast: it decides how many traces are open at once."""
SEED: Final = 7

_TOPIC: Final = Topic("otlp_spans", None, 1, 0, "OTLP")
_OF_A_PROCESS: Final[tuple[Attribute, ...]] = (
    ("thread.id", 41),
    ("thread.name", "worker-3"),
    ("code.function.name", "com.example.shop.Handler.handle"),
)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of OTLP: its Kafka timestamp in epoch milliseconds, its value, how many spans are in it."""

    timestamp_ms: int
    value: bytes
    spans: int


@dataclass(slots=True)
class Made:
    """What the records of a workload hold together."""

    records: int = 0
    spans: int = 0
    executions: int = 0


def make_workload(spans: int, encode: Encode, start_s: float, take: Callable[[Record], None]) -> Made:
    """Give ``take`` records of at least ``spans`` spans in the order of their timestamps, from ``start_s`` on.

    They are the same for the same start (epoch seconds). Every service exports on its own, 500 spans a record;
    what waits for 0.2 s shares records with others.
    """
    exporter = _Exporter(encode, take, start_s)
    sender = OtlpSender(exporter, _TOPIC, exporter.encode, SPANS_PER_RECORD, clock=lambda: exporter.now_s)
    for emitted in Simulation(build_system(APPLICATIONS, SEED), SEED, EXECUTIONS_PER_S, start_s, even_traffic):
        exporter.now_s = emitted.at_s
        sender.send(emitted.execution)
        exporter.made.executions += 1
        if sender.spans >= spans:
            break
    sender.close()
    return exporter.made


class _Exporter:
    """Takes the place of a Kafka client."""

    def __init__(self, encode: Encode, take: Callable[[Record], None], now_s: float) -> None:
        self._encode = typical(encode)
        self._take = take
        self._spans = 0
        self.now_s = now_s
        self.made = Made()

    def encode(self, exported: Sequence[Exported]) -> bytes:
        self._spans = sum(len(spans) for _, spans in exported)
        return self._encode(exported)

    def produce(
        self,
        topic: str,  # noqa: ARG002 (the client's signature)
        value: bytes,
        key: bytes | None,  # noqa: ARG002 (the same)
        *,
        on_delivery: Callable[[object, object], None],  # noqa: ARG002 (the same)
    ) -> None:
        self.made.records += 1
        self.made.spans += self._spans
        self._take(Record(int(self.now_s * 1000), value, self._spans))

    def poll(self, timeout: float) -> int:  # noqa: ARG002 (the same)
        return 0

    def flush(self, timeout: float) -> int:  # noqa: ARG002 (the same)
        return 0


def typical(encode: Encode) -> Encode:
    """``encode`` for spans with 8 to 12 attributes each, as instrumentation libraries export them.

    The simulator's spans have up to three, and an intake that skips attributes would look faster than it is.
    https://opentelemetry.io/docs/specs/semconv/
    """

    def encoding(exported: Sequence[Exported]) -> bytes:
        return encode([(resource, [_with_typical_attributes(span) for span in spans]) for resource, spans in exported])

    return encoding


def _with_typical_attributes(span: OtlpSpan) -> OtlpSpan:
    known = {key for key, _ in span.attributes}
    more = tuple(pair for pair in _typical_attributes(span, known) if pair[0] not in known)
    return msgspec.structs.replace(span, attributes=(*span.attributes, *more))


def _typical_attributes(span: OtlpSpan, known: Container[str]) -> tuple[Attribute, ...]:
    number = crc32(span.span_id.encode())
    address = f"10.0.{number >> 8 & 7}.{number & 255}"
    if "db.system.name" in known:
        verb, _, target = span.name.partition(" ")
        return (
            ("db.namespace", "shop"),
            ("db.operation.name", verb),
            ("db.collection.name", target),
            ("db.query.text", f"{verb} * FROM {target} WHERE id = ? AND tenant = ? ORDER BY created_at LIMIT 50"),
            ("server.address", "orders-db.internal"),
            ("server.port", 5432),
            ("network.peer.address", address),
            *_OF_A_PROCESS,
        )
    method, _, path = span.name.partition(" ")
    path = f"{path.partition('{')[0]}{number % 10_000}"
    if span.kind == "server":
        return (
            ("http.response.status_code", 200),
            ("url.path", path),
            ("url.scheme", "https"),
            ("server.address", "shop.example"),
            ("client.address", address),
            ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
            ("network.protocol.version", "1.1"),
            *_OF_A_PROCESS,
        )
    if span.kind == "client":
        return (
            ("http.request.method", method),
            ("http.response.status_code", 200),
            ("url.full", f"https://service.internal:8443{path}?tenant={number % 40}"),
            ("server.address", "service.internal"),
            ("server.port", 8443),
            ("network.peer.address", address),
            ("network.protocol.version", "1.1"),
            *_OF_A_PROCESS,
        )
    return (
        *_OF_A_PROCESS,
        ("code.file.path", "src/main/java/com/example/shop/Handler.java"),
        ("code.line.number", 120 + number % 50),
        ("shop.tenant", number % 40),
        ("shop.items", number % 7),
        ("shop.cached", number % 2),
    )
