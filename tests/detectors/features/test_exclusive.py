import math

from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.features.exclusive import exclusive_ms
from tracehound.detectors.features.profile import OWN_CODE, parts
from tracehound.schemas.execution import Execution, Segment


def nested(shape: list[tuple[int, bool]]) -> list[Segment]:
    """Segments, each within an earlier one or none, that halve what room there is, one after the other."""
    segments: list[Segment] = []
    room: dict[int | None, tuple[float, float]] = {None: (0.0, 1024.0)}
    for number, (parent, called) in enumerate(shape):
        around = None if not number or parent % (number + 1) == number else parent % number
        begin, end = room[around]
        middle = (begin + end) / 2
        room[around], room[number] = (middle, end), (begin, middle)
        segments.append(Segment("a", middle - begin, offset_ms=begin, parent=around, peer="stock" if called else None))
    return segments


@given(st.lists(st.tuples(st.integers(0, 99), st.booleans()), max_size=20))
def test_exclusive_times_add_up_to_the_time_that_segments_cover(shape: list[tuple[int, bool]]) -> None:
    segments = nested(shape)
    outermost = [segment.duration_ms for segment in segments if segment.parent is None]

    found = exclusive_ms(segments)

    assert min(found, default=0.0) >= 0.0
    assert math.isclose(sum(found), sum(outermost))


def test_segments_in_one_another_overlapping_or_beyond_their_parent_take_no_time_twice() -> None:
    around = Segment("around", 10.0, offset_ms=5.0)
    inner = [
        Segment("inner", length, offset_ms=begin, parent=0) for begin, length in ((3.0, 4.0), (6.0, 4.0), (14, 9.0))
    ]

    assert exclusive_ms([around, *inner])[0] == 4.0
    assert exclusive_ms([around, Segment("no place", 3.0, parent=0)]) == [10.0, 3.0]
    assert exclusive_ms([Segment("no place", 3.0), Segment("in it", 2.0, offset_ms=0.0, parent=0)]) == [3.0, 2.0]


def test_parts_have_exclusive_times_and_count_what_a_segment_stands_for() -> None:
    layers = [Segment("layer", 90.0 - 10 * n, offset_ms=5.0 * n, parent=n - 1 if n else None) for n in range(3)]
    sends = Segment("http send", 8.0, offset_ms=12.0, parent=2, count=40)
    execution = Execution("shop", "GET /", 0.0, 100.0, segments=[*layers, sends])

    assert parts(execution, 10.0) == {OWN_CODE: (10.0, 0.0), "layer": (82.0, 3.0), "http send": (8.0, 40.0)}
