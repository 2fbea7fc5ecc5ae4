"""Segments as columns: each execution owns its places, and nothing is lost on the way."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.columns.segment_columns import SegmentColumns, columns_of
from tracehound.schemas.execution import Execution, Segment

SEGMENTS = st.lists(
    st.builds(
        Segment,
        name=st.text(max_size=3),
        duration_ms=st.floats(0, 1e6),
        offset_ms=st.one_of(st.none(), st.floats(-1e3, 1e6)),
        parent=st.one_of(st.none(), st.integers(0, 3)),
        peer=st.one_of(st.none(), st.text(max_size=2)),
        remote_ms=st.one_of(st.none(), st.floats(0, 1e6)),
    ),
    max_size=5,
)


@given(st.lists(SEGMENTS, max_size=6))
def test_each_execution_finds_its_segments_again(given_segments: list[list[Segment]]) -> None:
    executions = [
        Execution("shop", "GET /", 0.0, 10.0 + row, segments=segments) for row, segments in enumerate(given_segments)
    ]
    columns = columns_of(executions)
    assert columns.whole_ms.tolist() == [one.duration_ms for one in executions]
    assert len(columns.starts) == len(executions) + 1
    for row, one in enumerate(executions):
        own = slice(int(columns.starts[row]), int(columns.starts[row + 1]))
        numbers = [columns.names[segment.peer][segment.name] for segment in one.segments]
        assert columns.name[own].tolist() == numbers
        assert columns.duration_ms[own].tolist() == [segment.duration_ms for segment in one.segments]
        placed = [np.nan if segment.offset_ms is None else segment.offset_ms for segment in one.segments]
        assert np.array_equal(columns.offset_ms[own], placed, equal_nan=True)
        answered = [np.nan if segment.remote_ms is None else segment.remote_ms for segment in one.segments]
        assert np.array_equal(columns.remote_ms[own], answered, equal_nan=True)
        assert columns.parent[own].tolist() == [
            -1 if segment.parent is None else segment.parent for segment in one.segments
        ]


def test_it_is_known_how_many_segments_stand_for_and_none_where_each_stands_for_itself() -> None:
    several, single = (
        [Execution("shop", "GET /", 0.0, 10.0, segments=[Segment("SELECT", 2.0, count=count), Segment("b", 1.0)])]
        for count in (20, 1)
    )
    assert columns_of(single).count is None
    together = SegmentColumns.joined([columns_of(single), columns_of(several)])
    assert together.counts().tolist() == [1.0, 1.0, 20.0, 1.0]
    assert together.part(1, 2).counts().tolist() == [20.0, 1.0]
    bare = columns_of([*single, Execution("shop", "GET /", 0.0, 5.0)])
    filled = bare.with_rows(np.array([1]), columns_of(several))
    assert filled.counts().tolist() == [1.0, 1.0, 20.0, 1.0]
    assert bare.with_rows(np.array([1]), columns_of(single)).count is None
