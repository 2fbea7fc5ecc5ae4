"""The call graph in rows: calls of a window added up, each record once, by its id."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec
from sqlalchemy import Connection

from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.upsert import Changes, add_up, insert_new
from tracehound.console.store.reader.writers.writer import Row, finite, id_of, name_of
from tracehound.console.store.tables import call_records, calls
from tracehound.schemas.call_graph import Call, CallGraph

_GRAPH = msgspec.json.Decoder(CallGraph)
_SUMS: Final = ("count", "errors", "caller_ms", "timed", "timed_caller_ms", "callee_ms")
_ADDED: Final = Changes(added=_SUMS, replaced=["told_us"])
_BYTES_OF_CALL: Final = 200
_MOST_US: Final = 2**53


class CallGraphWriter:
    """Topic ``call-graph.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        graph = _GRAPH.decode(record.value or b"")
        return {
            "id": id_of(graph.id),
            "application": name_of(graph.application),
            "environment": name_of(graph.environment),
            "calls": [_call(graph, call) | {"told_us": record.told_us} for call in graph.calls],
            "told_us": record.told_us,
            "time_us": max((_microseconds(call.window_start) for call in graph.calls), default=record.told_us),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        by_id = {(row["id"], row["application"], row["environment"]): row for row in reversed(rows)}
        columns = [column.name for column in call_records.c]
        new = insert_new(connection, call_records, [{name: row[name] for name in columns} for row in by_id.values()])
        sums: dict[tuple[str, int], Row] = {}
        for key, row in by_id.items():
            for call in row["calls"] if key in new else ():
                total = sums.setdefault((call["edge"], call["window_us"]), call | dict.fromkeys(_SUMS, 0))
                for name in _SUMS:
                    total[name] += call[name]
        add_up(connection, calls, list(sums.values()), _ADDED, _BYTES_OF_CALL)
        return len(new)


def _call(graph: CallGraph, call: Call) -> Row:
    names = {
        "application": name_of(graph.application),
        "environment": name_of(graph.environment),
        "operation": name_of(call.operation),
        "peer": name_of(call.peer),
        "peer_operation": name_of(call.peer_operation),
        "kind": call.kind,
        "destination": name_of(call.destination),
    }
    return names | {
        "edge": blake2b(msgspec.json.encode(list(names.values())), digest_size=16).hexdigest(),
        "window_us": _microseconds(call.window_start),
        "count": call.count,
        "errors": call.errors,
        "caller_ms": finite(call.caller_ms),
        "timed": call.timed,
        "timed_caller_ms": finite(call.timed_caller_ms),
        "callee_ms": finite(call.callee_ms),
    }


def _microseconds(seconds: int) -> int:
    if not 0 <= seconds * 1_000_000 < _MOST_US:
        raise ValueError(f"a window must begin at a time of our days, it is {seconds}")
    return seconds * 1_000_000
