"""Where an execution's time goes, of columns as of objects."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.columns.segment_columns import LONGEST_MS, columns_of
from tracehound.detectors.features.profile import parts, parts_in
from tracehound.schemas.execution import Execution, Segment

MS = st.one_of(st.floats(0, 1e3), st.floats(0, 1e13))
SEGMENT = st.builds(
    Segment,
    name=st.sampled_from(["SELECT", "GET /b", "render"]),
    duration_ms=MS,
    offset_ms=st.one_of(st.none(), MS, MS.map(lambda ms: -ms)),
    peer=st.sampled_from([None, "", "db", "b"]),
    count=st.sampled_from([1, 1, 1, 3]),
)


@st.composite
def an_execution(draw: st.DrawFn) -> Execution:
    segments = draw(st.lists(SEGMENT, max_size=6))
    for place, segment in enumerate(segments[1:], start=1):
        segment.parent = draw(st.one_of(st.none(), st.integers(0, place - 1)))
    return Execution("shop", "GET /", 0.0, 10.0, segments=segments)


def too_long(execution: Execution) -> bool:
    return any(max(one.duration_ms, abs(one.offset_ms or 0.0)) >= LONGEST_MS for one in execution.segments)


@given(st.lists(an_execution(), min_size=1, max_size=4))
def test_columns_tell_the_parts_that_objects_do_in_their_order(executions: list[Execution]) -> None:
    columns = columns_of(executions)
    for row, execution in enumerate(executions):
        found = parts_in(columns, row, 4.5)
        assert found is None or list(found.items()) == list(parts(execution, 4.5).items())
        assert found is not None or too_long(execution)


def test_segments_that_stand_for_several_count_as_many() -> None:
    execution = Execution("shop", "GET /", 0.0, 10.0, segments=[Segment("SELECT", 4.0, count=20)])
    columns = columns_of([execution])
    assert parts_in(columns, 0, 6.0) == {"its own code": (6.0, 0.0), "SELECT": (4.0, 20.0)}
    assert parts_in(replace(columns, count=None), 0, 6.0) == {"its own code": (6.0, 0.0), "SELECT": (4.0, 1.0)}
