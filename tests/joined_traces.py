"""Traces of three services, what the offline conversion makes of them, and what intake emitted of them."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.spans import Span
from tracehound.streams.intake.assembly.executions import Trace, executions_of
from tracehound.streams.intake.assembly.identity import PARENT_NOT_RECORDED, ROOT
from tracehound.streams.kafka.forwarding import Headers, Origin, read_origin


def trace(number: int, start_us: float) -> Trace:
    """A request through three services, with a query; every seventh lacks the caller that began it."""
    spans = [
        Span("gateway", "GET /cart", PARENT_NOT_RECORDED if number % 7 == 0 else ROOT, 0.0, 90_000.0 + number % 1000),
        Span("gateway", "HTTP GET", 0, 1_000.0, 60_000.0),
        Span("cart", "GET /items", 1, 5_000.0, 50_000.0 + number % 100),
        Span("cart", "SELECT items", 2, 6_000.0, 9_000.0),
        Span("cart", "stock.Stock/Check", 2, 20_000.0, 20_000.0),
        Span("stock", "stock.Stock/Check", 4, 22_000.0, 15_000.0),
    ]
    return Trace(f"{number + 1:032x}", start_us, spans)


def traces(count: int) -> list[Trace]:
    start_us = round(time.time() - 60.0) * 1e6
    return [trace(number, start_us + number * 10_000.0) for number in range(count)]


Key = tuple[str, str]


def expected_of(sent: Iterable[Trace]) -> dict[Key, Execution]:
    """What the offline conversion makes of the traces."""
    return {(made.trace_id, made.span_id): made for one in sent for made in executions_of(one)}


@dataclass
class Emitted:
    """What is in the executions topic: by id, the different contents seen of it and how many origins it came with."""

    spans_topic: str
    partitions: int
    contents: dict[Key, set[bytes]] = field(default_factory=dict)
    origins: dict[Key, set[Origin]] = field(default_factory=dict)
    repeated: int = 0

    def note(self, key: bytes | None, value: bytes | None, headers: Headers, now_s: float) -> list[Key]:
        """Take in a record; returns the ids of its executions."""
        origin = read_origin(headers, {self.spans_topic}, self.partitions)
        assert origin is not None
        keys = []
        decoded = decode_record(value, Limits(), now_s)
        assert decoded.rejected == []
        for execution in decoded.executions:
            assert key == execution.application.encode()
            own = (execution.trace_id, execution.span_id)
            self.repeated += own in self.contents
            self.contents.setdefault(own, set()).add(msgspec.json.encode(execution))
            self.origins.setdefault(own, set()).add(origin)
            keys.append(own)
        return keys

    def once(self) -> dict[Key, Execution]:
        """The executions, where each came with one content under one origin."""
        assert {key: origins for key, origins in self.origins.items() if len(origins) > 1} == {}
        assert {key: contents for key, contents in self.contents.items() if len(contents) > 1} == {}
        return {
            key: msgspec.structs.replace(msgspec.json.decode(content, type=Execution), parent_span_id="")
            for key, (content,) in self.contents.items()
        }


def without_parents(executions: Mapping[Key, Execution]) -> dict[Key, Execution]:
    """The offline conversion does not know the ids of parents that were not recorded."""
    return {key: msgspec.structs.replace(one, parent_span_id="") for key, one in executions.items()}
