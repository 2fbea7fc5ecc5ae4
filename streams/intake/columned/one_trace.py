"""One trace joined in columns, so that all kernels of the join are compiled."""

import msgspec

from tracehound.detectors.columns.number_rows import NumberRows
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.spans import Resource, Span, TraceChunk
from tracehound.streams.intake.call_counter import CallCounter
from tracehound.streams.intake.columned.traces import ColumnedTraces
from tracehound.streams.intake.peer_names import PeerNames

_START_NS = 1_767_225_600_000_000_000


def join_one_trace() -> None:
    """Join a call with both of its sides."""
    spans = [
        Span("", "GET /", -1, None, 9.0, id=f"{1:016x}", start_ns=_START_NS, kind="server"),
        Span("", "GET", -1, None, 8.0, id=f"{2:016x}", parent_id=f"{1:016x}", start_ns=_START_NS, kind="client"),
    ]
    called = Span("", "GET /", -1, None, 7.0, id=f"{3:016x}", parent_id=f"{2:016x}", start_ns=_START_NS, kind="server")
    chunk = TraceChunk([(Resource("shop"), spans), (Resource("stock"), [called])])
    traces = ColumnedTraces(PeerNames(), CallCounter(0), Limits())
    traces.join([("a", [msgspec.Raw(msgspec.msgpack.encode(chunk))])], len(chunk))
    traces.write(0, 1)
    rows = NumberRows()
    rows.make_room(len(rows.places))
