"""Layouts: callers left of whom they call, nobody upon another, whatever the graph."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tracehound.console.calls.layout import Size, layered

SIZE = Size(100, 40, 50, 10)
NAMES = st.sampled_from([f"a{number}" for number in range(12)])
GRAPHS = st.lists(st.tuples(NAMES, NAMES), max_size=40)


@given(GRAPHS)
def test_no_node_lies_upon_another_and_all_lie_within(edges: list[tuple[str, str]]) -> None:
    laid = layered(edges, SIZE)
    assert set(laid.nodes) == {name for edge in edges for name in edge}
    by_layer: dict[float, list[float]] = {}
    for x, y in laid.nodes.values():
        assert 0 <= x <= laid.width - SIZE.width
        assert 0 <= y <= laid.height - SIZE.height
        by_layer.setdefault(x, []).append(y)
    for layer in by_layer.values():
        ordered = sorted(layer)
        assert all(below - above >= SIZE.height for above, below in pairwise(ordered))


@given(GRAPHS)
def test_each_edge_leads_from_its_caller_to_its_callee(edges: list[tuple[str, str]]) -> None:
    laid = layered(edges, SIZE)
    assert set(laid.routes) == {edge for edge in edges if edge[0] != edge[1]}
    for (caller, callee), points in laid.routes.items():
        (caller_x, caller_y), (callee_x, callee_y) = laid.nodes[caller], laid.nodes[callee]
        to_right = caller_x < callee_x
        assert points[0] == (caller_x + SIZE.width * to_right, caller_y + 20)
        assert points[-1] == (callee_x + SIZE.width * (not to_right), callee_y + 20)


def test_without_a_cycle_callers_are_left_of_whom_they_call() -> None:
    edges = [("web", "shop"), ("shop", "db"), ("web", "db"), ("job", "db"), ("shop", "stock"), ("stock", "db")]
    laid = layered(edges, SIZE)
    assert all(laid.nodes[caller][0] < laid.nodes[callee][0] for caller, callee in edges)
    assert len(laid.routes["web", "db"]) == 6  # it goes by the two layers between
    assert layered(edges, SIZE) == laid


def test_a_tree_has_no_crossings() -> None:
    edges = [("root", name) for name in "abc"] + [(name, name + str(leaf)) for name in "cab" for leaf in range(3)]
    nodes = layered(edges, SIZE).nodes
    order = sorted("abc", key=lambda name: nodes[name][1])
    leaves = sorted((name for name in nodes if len(name) == 2), key=lambda name: nodes[name][1])
    assert [leaf[0] for leaf in leaves] == [name for name in order for _ in range(3)]


def test_nothing_is_no_drawing() -> None:
    assert (layered([], SIZE).nodes, layered([("a", "a")], SIZE).routes) == ({}, {})
