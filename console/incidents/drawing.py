"""The way from where people notice an incident to its suspected cause, as a small drawing of the call graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracehound.console.incidents.cause import Step

WIDTH: Final = 176
HEIGHT: Final = 46
_ACROSS, _DOWN, _MARGIN = WIDTH + 56, HEIGHT + 18, 4
_LONGEST = 22
MOST_PATHS: Final = 6


@dataclass(frozen=True, slots=True)
class Node:
    """An application; ``label`` is its name, cut where it is too long. ``x`` and ``y`` are its upper left corner."""

    application: str
    label: str
    anomalies: int
    suspected: bool
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Call:
    """A line from a caller to whom it calls."""

    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Callers are left of whom they call; ``left_out`` paths are not drawn."""

    width: int
    height: int
    nodes: Sequence[Node]
    calls: Sequence[Call]
    left_out: int


def drawing_of(paths: Sequence[Sequence[Step]]) -> Drawing | None:
    """Draw paths that each lead from the cause, which stands at the right; None: there is none.

    >>> found = drawing_of([[Step("db", 3), Step("shop", 1)]])
    >>> [(node.application, node.x, node.suspected) for node in found.nodes], len(found.calls)
    ([('db', 236, True), ('shop', 4, False)], 1)
    """
    drawn = paths[:MOST_PATHS]
    if not drawn:
        return None
    columns = max(map(len, drawn))
    nodes: dict[str, Node] = {}
    rows = [0] * columns
    calls: dict[tuple[str, str], Call] = {}
    for path in drawn:
        before: Node | None = None
        for distance, step in enumerate(path):
            node = nodes.get(step.application)
            if node is None:
                place = (columns - 1 - distance, rows[distance])
                node = nodes[step.application] = _node(step, place, suspected=distance == 0)
                rows[distance] += 1
            if before is not None:
                calls[node.application, before.application] = _call(node, before)
            before = node
    width = _MARGIN * 2 + columns * _ACROSS - (_ACROSS - WIDTH)
    height = _MARGIN * 2 + max(rows) * _DOWN - (_DOWN - HEIGHT)
    return Drawing(width, height, list(nodes.values()), list(calls.values()), len(paths) - len(drawn))


def _node(step: Step, place: tuple[int, int], *, suspected: bool) -> Node:
    name, (column, row) = step.application, place
    label = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    return Node(name, label, step.anomalies, suspected, _MARGIN + column * _ACROSS, _MARGIN + row * _DOWN)


def _call(caller: Node, callee: Node) -> Call:
    return Call(caller.x + WIDTH, caller.y + HEIGHT // 2, callee.x - 5, callee.y + HEIGHT // 2)
