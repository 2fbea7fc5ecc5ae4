"""Transactions of Inspector as executions: each client has units of its own, and nothing in a body names it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import msgspec

from tracehound.schemas import execution as ours
from tracehound.streams.gateway.inspector.payload import (
    Element,
    InspectorFailure,
    InspectorSegment,
    InspectorTransaction,
)

Unit = Literal["ms", "s"]
Client = Literal["node", "python", "php", ""]
"""Which client made a transaction; empty where it is another one."""
_PHP_HASH = re.compile(r"[0-9a-f]{64}")
_TYPES: Mapping[ours.SegmentKind, str] = {
    "db": "mysql mysql2 mariadb pgsql postgres postgresql mssql sqlsrv sqlite oracle mongodb database db query sql",
    "http": "http curl",
    "cache": "redis cache memcached",
    "view": "view template",
}
_KINDS = {name: kind for kind, names in _TYPES.items() for name in names.split()}
"""By what a segment's type is called; people may call theirs as they like."""


@dataclass(slots=True)
class Parts:
    """A transaction with what belongs to it, and its place in the body."""

    place: int
    transaction: InspectorTransaction
    segments: list[InspectorSegment] = field(default_factory=list)
    failures: list[InspectorFailure] = field(default_factory=list)


def gathered(elements: Mapping[int, Element]) -> tuple[list[Parts], int]:
    """The transactions of a body with their parts, and how many parts have none: it was sent in another body.

    Hashes of Node's client may be the same by chance: a part belongs to the last before it.
    """
    found: list[Parts] = []
    by_hash: dict[str, Parts] = {}
    without = 0
    for place, element in sorted(elements.items()):
        if isinstance(element, InspectorTransaction):
            by_hash[element.hash] = parts = Parts(place, element)
            found.append(parts)
            continue
        parts_of_it = by_hash.get(element.transaction.hash)
        if parts_of_it is None:
            without += 1
        elif isinstance(element, InspectorSegment):
            parts_of_it.segments.append(element)
        else:
            parts_of_it.failures.append(element)
    return found, without


def client_of(transaction: InspectorTransaction) -> Client:
    """Which client made a transaction: Node's says when it ended, and the hashes of the others tell them.

    >>> client_of(InspectorTransaction("BS5QglCKObrahPjN8ExR2sYmnMy34Zkk", 9.0))
    ''
    >>> client_of(InspectorTransaction("BS5QglCKObrahPjN8ExR2sYmnMy34Zku", 9.0))
    'python'
    """
    if transaction.end is not msgspec.UNSET:
        return "node"
    if _PHP_HASH.fullmatch(transaction.hash):
        return "php"
    if len(transaction.hash) == len(set(transaction.hash)) == 32 and transaction.hash.isalnum():
        return "python"  # a sample of letters and digits, none of them twice
    return ""


def execution_of(parts: Parts, application: str, unit: Unit | None) -> ours.Execution | None:
    """The execution that a transaction was; None where it has not ended, which is never reported again.

    Parameters:
        application: whose it is; nothing in the body says so.
        unit: of durations; None: that of the client.
    """
    transaction = parts.transaction
    client = client_of(transaction)
    to_ms = 1_000.0 if (unit or ("s" if client == "python" else "ms")) == "s" else 1.0
    if transaction.duration is None:
        return None
    result = _result(transaction.result)
    failure = _worst(parts.failures)
    failed = result == "error" or (isinstance(result, int) and result >= 500)
    return ours.Execution(
        application=application,
        operation=transaction.name or "unknown",
        started_at=transaction.timestamp,
        duration_ms=transaction.duration * to_ms,
        trace_id=transaction.hash,
        kind="request" if transaction.type == "request" else "job",
        status="error" if failed or (failure is not None and not failure.handled) else "unset",
        result=result,
        host=_host(transaction.host),
        memory_peak_mb=transaction.memory_peak or None,
        error=failure,
        segments=list(_segments(parts.segments, client, to_ms)),
    )


def _segments(segments: Iterable[InspectorSegment], client: Client, to_ms: float) -> Iterable[ours.Segment]:
    for segment in segments:
        duration = segment.duration
        # Python's client gives what has not ended a whole zero, and what has, a decimal number
        never_ended = client == "python" and isinstance(duration, int)
        if segment.type == "exception" or duration is None or never_ended:
            continue
        yield ours.Segment(
            name=segment.label or segment.type or "unknown",
            duration_ms=duration * to_ms,
            kind=_KINDS.get((segment.type or "").lower(), "code"),
            offset_ms=_offset_ms(segment, client, to_ms),
        )


def _offset_ms(segment: InspectorSegment, client: Client, to_ms: float) -> float | None:
    """Where a segment begins; Node's client rounds it to whole seconds, which says nothing."""
    known = client in ("python", "php") and segment.start is not None and segment.start >= 0
    return cast(float, segment.start) * to_ms if known else None


def _worst(failures: Sequence[InspectorFailure]) -> ours.ExecutionFailure | None:
    """The first error that nobody handled, else the first."""
    worst = next((one for one in failures if not one.handled), failures[0] if failures else None)
    if worst is None:
        return None
    return ours.ExecutionFailure(worst.class_ or "", worst.message or "", worst.handled)


def _result(result: str | int | float | None) -> str | int | None:
    if isinstance(result, str) and result.isascii() and result.isdigit() and len(result) < 10:
        return int(result)
    if isinstance(result, float):
        return str(result)
    return None if result == "" else result


def _host(host: object) -> str:
    name = host.get("hostname") if isinstance(host, dict) else None
    return name if isinstance(name, str) else ""
