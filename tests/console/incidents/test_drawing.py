"""The drawing of an incident's path: who calls stands left of whom it calls, each application once."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tracehound.console.incidents.cause import Step
from tracehound.console.incidents.drawing import HEIGHT, MOST_PATHS, WIDTH, drawing_of

ends = st.lists(st.lists(st.sampled_from("abcdefg"), unique=True, max_size=5), min_size=1, max_size=9)


@given(ends)
def test_every_application_is_drawn_once_within_the_drawing_and_none_covers_another(found: list[list[str]]) -> None:
    depth = {name: place for path in found for place, name in enumerate(path)}
    paths = [
        [Step("cause", 3), *(Step(f"{depth[name]}{name}", 1) for name in sorted(path, key=depth.__getitem__))]
        for path in found
    ]
    drawing = drawing_of(paths)
    assert drawing is not None
    drawn = {step.application for path in paths[:MOST_PATHS] for step in path}
    assert sorted(node.application for node in drawing.nodes) == sorted(drawn)
    assert drawing.left_out == max(0, len(paths) - MOST_PATHS)
    assert [node.application for node in drawing.nodes if node.suspected] == ["cause"]
    for node in drawing.nodes:
        assert 0 <= node.x <= drawing.width - WIDTH
        assert 0 <= node.y <= drawing.height - HEIGHT
    by_place = sorted(drawing.nodes, key=lambda node: (node.x, node.y))
    assert all(one.x != other.x or other.y - one.y > HEIGHT for one, other in pairwise(by_place))


def test_calls_lead_from_where_it_is_noticed_to_the_cause() -> None:
    drawing = drawing_of(
        [[Step("db", 3), Step("orders", 2), Step("gateway", 1)], [Step("db", 3), Step("jobs" * 20, 1)]]
    )
    assert drawing is not None
    db, orders, gateway, jobs = drawing.nodes
    assert gateway.x < orders.x < db.x
    assert (jobs.x, len(jobs.label), len(drawing.calls)) == (orders.x, 22, 3)
    assert all(call.x1 < call.x2 for call in drawing.calls)
    assert drawing_of([]) is None
