"""A layered drawing of a directed graph: callers left of whom they call, few crossings, places in pixels.

Source: K. Sugiyama, S. Tagawa, M. Toda, Methods for Visual Understanding of Hierarchical System Structures (1981):
cycles are broken, nodes get layers, long edges go by places of their own, and layers are ordered by barycentres.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_SWEEPS: Final = 8

Point = tuple[float, float]
Edge = tuple[str, str]
_Place = tuple[str, ...]
"""A node, (name,), or one of the places that a long edge goes by: (from, to, layer)."""
_Near = Mapping[_Place, list[_Place]]


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels: of a node, and how far layers and neighbours in a layer are apart."""

    width: int = 176
    height: int = 46
    across: int = 72
    down: int = 16


@dataclass(frozen=True, slots=True)
class Layout:
    """The upper left corner of each node, the middle points of each edge from its caller on, and how large it is."""

    nodes: Mapping[str, Point]
    routes: Mapping[Edge, Sequence[Point]]
    width: float
    height: float


def layered(edges: Sequence[Edge], size: Size) -> Layout:
    """Lay out a graph of these edges; those that go from a node to itself have no route.

    >>> found = layered([("web", "shop"), ("shop", "db")], Size(100, 40, 50, 10))
    >>> [found.nodes[name][0] for name in ("web", "shop", "db")], found.routes["web", "shop"]
    ([0.0, 150.0, 300.0], [(100.0, 20.0), (150.0, 20.0)])
    """
    names = list(dict.fromkeys(name for edge in edges for name in edge))
    forward = _without_cycles(names, [edge for edge in dict.fromkeys(edges) if edge[0] != edge[1]])
    layer_of = _layers(names, [there for there, _ in forward.values()])
    chains = {edge: _chain(there, layer_of) for edge, (there, _) in forward.items()}
    layers: list[list[_Place]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for name in names:
        layers[layer_of[name]].append((name,))
    for chain in chains.values():
        for place in chain[1:-1]:
            layers[int(place[2])].append(place)
    links = [pair for chain in chains.values() for pair in pairwise(chain)]
    before, after = _neighbours((there, here) for here, there in links), _neighbours(links)
    _order(layers, before, after)
    at = _settled(layers, before, after, size)
    step = size.width + size.across
    nodes = {name: (float(layer_of[name] * step), at[name,]) for name in names}
    routes = {edge: _route(chain, forward[edge][1], nodes, at, size) for edge, chain in chains.items()}
    height = max((y for _, y in nodes.values()), default=0.0) + size.height
    return Layout(nodes, routes, len(layers) * step - size.across if layers else 0, max([height, *at.values()]))


def _without_cycles(names: Sequence[str], edges: Sequence[Edge]) -> dict[Edge, tuple[Edge, bool]]:
    """For each edge its direction in the drawing, and whether that is turned round: those that close a cycle are."""
    following: dict[str, list[str]] = {}
    for caller, callee in edges:
        following.setdefault(caller, []).append(callee)
    called = {there for _, there in edges}
    state: dict[str, int] = {}
    turned: set[Edge] = set()
    for root in sorted(names, key=lambda name: name in called):
        stack = [(root, iter(following.get(root, ())))] if root not in state else []
        state.setdefault(root, 1)
        while stack:
            here, rest = stack[-1]
            there: str | None = next(rest, None)
            if there is None:
                state[here] = 2
                stack.pop()
            elif there not in state:
                state[there] = 1
                stack.append((there, iter(following.get(there, ()))))
            elif state[there] == 1:
                turned.add((here, there))
    return {edge: ((edge[1], edge[0]), True) if edge in turned else (edge, False) for edge in edges}


def _layers(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The longest way to each node; the graph has no cycle."""
    waiting = dict.fromkeys(names, 0)
    following: dict[str, list[str]] = {}
    for here, there in edges:
        waiting[there] += 1
        following.setdefault(here, []).append(there)
    found = {name: 0 for name in names if not waiting[name]}
    ready = list(found)
    for here in ready:
        for there in following.get(here, ()):
            found[there] = max(found.get(there, 0), found[here] + 1)
            waiting[there] -= 1
            if not waiting[there]:
                ready.append(there)
    return found


def _chain(edge: Edge, layer_of: Mapping[str, int]) -> list[_Place]:
    here, there = edge
    between = range(layer_of[here] + 1, layer_of[there])
    return [(here,), *((here, there, str(layer)) for layer in between), (there,)]


def _neighbours(links: Iterable[tuple[_Place, _Place]]) -> dict[_Place, list[_Place]]:
    found: dict[_Place, list[_Place]] = {}
    for here, there in links:
        found.setdefault(here, []).append(there)
    return found


def _order(layers: Sequence[list[_Place]], before: _Near, after: Mapping[_Place, list[_Place]]) -> None:
    """Order each layer by where its neighbours are, from left to right and back, again and again."""
    rank = {place: float(number) for layer in layers for number, place in enumerate(layer)}
    for sweep in range(_SWEEPS):
        to_right = sweep % 2 == 0
        near = before if to_right else after
        for layer in layers if to_right else reversed(layers):
            layer.sort(key=lambda place: (_middle(place, near, rank), rank[place]))
            rank |= {place: float(number) for number, place in enumerate(layer)}


def _middle(place: _Place, near: _Near, at: Mapping[_Place, float]) -> float:
    others = near.get(place)
    return sum(at[one] for one in others) / len(others) if others else at[place]


def _settled(
    layers: Sequence[list[_Place]],
    before: _Near,
    after: _Near,
    size: Size,
) -> dict[_Place, float]:
    """How far down each place is: near its neighbours, and below the one above it."""
    at = {}
    for layer in layers:
        y = 0.0
        for place in layer:
            at[place] = y
            y += _room(place, size)
    for sweep in range(_SWEEPS):
        to_right = sweep % 2 == 0
        for layer in layers if to_right else reversed(layers):
            wanted = [_middle(place, before if to_right else after, at) for place in layer]
            placed, y = [], float("-inf")
            for place, wish in zip(layer, wanted, strict=True):
                placed.append(max(y, wish))
                y = placed[-1] + _room(place, size)
            shift = sum(wish - here for wish, here in zip(wanted, placed, strict=True)) / max(len(layer), 1)
            at |= {place: here + shift for place, here in zip(layer, placed, strict=True)}
    top = min(at.values(), default=0.0)
    return {place: float(round(y - top)) for place, y in at.items()}


def _room(place: _Place, size: Size) -> float:
    return size.height + size.down if len(place) == 1 else size.down


def _route(
    chain: list[_Place], turned: bool, nodes: Mapping[str, Point], at: Mapping[_Place, float], size: Size
) -> list[Point]:
    (x1, y1), (x2, y2) = nodes[chain[0][0]], nodes[chain[-1][0]]
    points = [(x1 + size.width, y1 + size.height / 2)]
    for place in chain[1:-1]:
        x = float(int(place[2]) * (size.width + size.across))
        points += [(x, at[place] + size.down / 2), (x + size.width, at[place] + size.down / 2)]
    points.append((x2, y2 + size.height / 2))
    return points[::-1] if turned else points
