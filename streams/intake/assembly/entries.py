"""Which spans begin executions, and to which execution every other span belongs.

| span | begins an execution |
|---|---|
| its parent is of another service, was not recorded, or does not exist | yes |
| a server or consumer below a span of its service, in another process or not known in which | yes |
| a server or consumer below a span of its service in the same process (where processes are not known: right below a \
server or consumer of it): two libraries record one request, or a batch its messages | no, a segment |
| neither server nor consumer, its parent in the same process not recorded | no: it is part of what is missing |
| a root that only connects: ``dns.lookup``, ``tcp.connect``, ``pg-pool.connect``, ``PRAGMA``, … | no |
| one that only says that messages were worked on: ``ack``, ``commit``, ``settle``, … | no |
"""

import re
from collections.abc import Sequence

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.spans import Span
from tracehound.streams.intake.assembly.identity import ENTRY_KINDS, PARENT_NOT_RECORDED, ROOT

_CONNECTING = re.compile(
    r"dns\.\w+|(?:tcp|tls|net|socket)[. -]connect|(?:[\w.]+[ .-])?(?:pool[.-])?connect|(?:\w+\.)?getConnection"
    r"|PRAGMA\b.*",
    re.IGNORECASE | re.DOTALL,
)


def owners_of(trace_id: str, spans: Sequence[Span]) -> list[int]:
    """For each span the index of the entry span of its execution.

    Raises:
        InvalidExecutionError: a span lies on a cycle of parents; the message names trace and span.
    """
    unknown = -1
    owners: list[int] = []
    for place, span in enumerate(spans):
        parent = span.parent
        if parent < 0:
            owners.append(place)
            continue
        above = spans[parent]
        if above.service != span.service or (span.kind in ENTRY_KINDS and _begins(span, above)):
            owners.append(place)
        else:
            owners.append(owners[parent] if parent < place else unknown)
    if unknown in owners:
        _climb(trace_id, spans, owners, unknown)
    _check_reaches_a_root(trace_id, spans, owners)
    return owners


def _climb(trace_id: str, spans: Sequence[Span], owners: list[int], unknown: int) -> None:
    """Find owners that are unknown: spans may stand before their parents."""
    for start in range(len(spans)):
        if owners[start] != unknown:
            continue
        path: list[int] = []
        at = start
        while owners[at] == unknown:
            path.append(at)
            at = spans[at].parent
            if len(path) > len(spans):
                raise InvalidExecutionError(f"Span {start} of trace {trace_id!r} lies on a cycle of parents.")
        owner = owners[at]
        for index in path:
            owners[index] = owner


def _begins(span: Span, parent: Span) -> bool:
    """Whether a server or consumer begins an execution although its parent is of the same service."""
    if span.remote_parent is None:
        return parent.kind not in ENTRY_KINDS
    return span.remote_parent or parent.kind == "producer"


def _check_reaches_a_root(trace_id: str, spans: Sequence[Span], owners: Sequence[int]) -> None:
    """Raise when entry spans of different services are each other's ancestors."""
    reached = {ROOT}
    for start in owners:
        if start in reached:
            continue
        path: list[int] = []
        at = start
        while at not in reached:
            if len(path) > len(owners):
                raise InvalidExecutionError(f"Span {start} of trace {trace_id!r} lies on a cycle of parents.")
            path.append(at)
            parent = spans[at].parent
            at = owners[parent] if parent >= 0 else ROOT
        reached.update(path)


def is_orphan(span: Span) -> bool:
    """Whether the span is surely part of an execution whose beginning is missing.

    So says a tracing library that calls it neither a server's nor a consumer's while its parent, in the same
    process as far as known, was not recorded. Its name is no operation, so no execution begins with it.
    """
    return span.parent == PARENT_NOT_RECORDED and is_inner(span)


def is_inner(span: Span) -> bool:
    """Whether a tracing library says that a span is within another of its process, or says nothing against it."""
    return span.kind is not None and span.kind not in ENTRY_KINDS and not span.remote_parent


def only_connects(span: Span) -> bool:
    """Whether a root is about connecting alone: pools and resolvers work when they like, for nobody.

    >>> [only_connects(Span("shop", name, ROOT, 0, 1, kind="client")) for name in ("dns.lookup", "pg.connect", "GET /")]
    [True, True, False]
    """
    if span.parent != ROOT or span.kind not in ("client", "internal"):
        return False
    return _CONNECTING.fullmatch(span.operation) is not None


def only_settles(span: Span) -> bool:
    """Whether a span is about settling messages alone: what was done with them is in another one."""
    return span.message is not None and span.message.does == "settle"
