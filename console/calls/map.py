"""The call map: the edges that matter most, laid out, with rates, times, errors and health."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tracehound.console.calls.graph import Edge
from tracehound.console.calls.layout import Layout, Point, Size, layered

MOST_EDGES: Final = 60
MOST_NODES: Final = 40
_FAILING: Final = 0.05
_LONGEST: Final = 21
_MARGIN: Final = 6
SIZE: Final = Size()

Pair = tuple[str, str]
"""Caller and callee."""


@dataclass(frozen=True, slots=True)
class Marked:
    """What an incident marks: where it seems to start, its applications, and the calls from symptom to cause."""

    cause: str | None = None
    applications: frozenset[str] = frozenset()
    calls: frozenset[Pair] = frozenset()


@dataclass(frozen=True, slots=True)
class Call:
    """All calls of one application by another: a path, and what stands beside it.

    ``mean_ms`` and ``error_share`` are None where nobody measured them.
    """

    caller: str
    callee: str
    path: str
    width: float
    per_second: float
    mean_ms: float | None
    error_share: float | None
    failing: bool
    marked: bool


@dataclass(frozen=True, slots=True)
class Node:
    """An application, or what is called and has none. ``health`` is empty where nothing is known of it."""

    name: str
    label: str
    health: str
    suspected: bool
    marked: bool
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class CallMap:
    """A drawing of some of ``edges`` pairs."""

    width: int
    height: int
    nodes: Sequence[Node]
    calls: Sequence[Call]
    pairs: int


@dataclass(slots=True)
class _Sum:
    """The edges of a pair, added up."""

    calls: int = 0
    errors: int = 0
    timed: int = 0
    total_ms: float = 0.0
    is_joined: bool = True

    def add(self, edge: Edge) -> None:
        self.calls += edge.calls
        self.errors += edge.errors
        if edge.mean_ms is not None:
            self.timed += edge.calls
            self.total_ms += edge.mean_ms * edge.calls

    @property
    def error_share(self) -> float | None:
        return self.errors / max(self.calls, 1) if self.is_joined else None

    @property
    def is_failing(self) -> bool:
        return (self.error_share or 0.0) >= _FAILING


def call_map(
    edges: Iterable[Edge],
    health: Mapping[str, str],
    marked: Marked,
    seconds: float,
    named: Iterable[tuple[str, str, int]] = (),
) -> CallMap:
    """Draw edges of ``seconds`` of time.

    Where there are too many, those stay that are marked, then those whose ends are unwell or that fail, then those
    with most calls.

    Parameters:
        health: of each application that is known: ``ok``, or the severity of what is wrong.
        named: caller, callee and calls of pairs of which no more is known.
    """
    sums: dict[Pair, _Sum] = {}
    for edge in edges:
        sums.setdefault((edge.application, edge.peer), _Sum()).add(edge)
    for caller, callee, count in named:
        sums.setdefault((caller, callee), _Sum(calls=count, is_joined=False))

    def matters(pair: Pair) -> tuple[bool, bool, int, Pair]:
        unwell = any(health.get(name, "ok") != "ok" for name in pair) or sums[pair].is_failing
        return pair not in marked.calls, not unwell, -sums[pair].calls, pair

    chosen, names = list[Pair](), set[str]()
    for pair in sorted(sums, key=matters):
        if len(chosen) < MOST_EDGES and len(names | set(pair)) <= MOST_NODES:
            chosen.append(pair)
            names |= set(pair)
    laid = layered(sorted(chosen), SIZE)
    nodes = [_node(name, laid, health, marked) for name in laid.nodes]
    calls = [_call(pair, sums[pair], laid, marked, seconds) for pair in chosen]
    width, height = (math.ceil(extent) + 2 * _MARGIN for extent in (laid.width, laid.height))
    return CallMap(width, height, nodes, calls, len(sums))


def _node(name: str, laid: Layout, health: Mapping[str, str], marked: Marked) -> Node:
    x, y = laid.nodes[name]
    label = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    is_cause = name == marked.cause
    return Node(name, label, health.get(name, ""), is_cause, name in marked.applications, x + _MARGIN, y + _MARGIN)


def _call(pair: Pair, summed: _Sum, laid: Layout, marked: Marked, seconds: float) -> Call:
    points = laid.routes.get(pair)
    return Call(
        *pair,
        path=_curve([(x + _MARGIN, y + _MARGIN) for x, y in points]) if points else "",
        width=round(1 + min(4.0, math.log10(1 + summed.calls / seconds * 10)), 1),
        per_second=summed.calls / seconds,
        mean_ms=summed.total_ms / summed.timed if summed.timed else None,
        error_share=summed.error_share,
        failing=summed.is_failing,
        marked=pair in marked.calls,
    )


def _curve(points: Sequence[Point]) -> str:
    """A smooth line through points, that leaves and reaches each of them sideways.

    >>> _curve([(0.0, 5.0), (40.0, 25.0)])
    'M0,5C20,5 20,25 40,25'
    """
    (x, y), parts = points[0], [f"M{points[0][0]:g},{points[0][1]:g}"]
    for to_x, to_y in points[1:]:
        middle = (x + to_x) / 2
        parts.append(f"C{middle:g},{y:g} {middle:g},{to_y:g} {to_x:g},{to_y:g}")
        x, y = to_x, to_y
    return "".join(parts)
