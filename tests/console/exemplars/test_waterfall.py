"""A waterfall holds the longest segments with those that enclose them, however many there are."""

import random

from tracehound.console.exemplars.waterfall import waterfall
from tracehound.schemas.execution import Execution, Segment


def execution(*segments: Segment) -> Execution:
    return Execution("shop", "GET /", 0.0, 100.0, segments=list(segments))


def test_of_many_segments_the_longest_are_told_with_their_parents() -> None:
    chance = random.Random(3)
    segments = [Segment("root", 1.0)]
    for number in range(1, 400):
        parent = chance.randrange(number)
        segments.append(Segment(f"s{number}", chance.expovariate(0.1), parent=parent, offset_ms=float(number)))
    told = waterfall(execution(*segments), most=30)
    assert len(told.bars) <= 30
    assert len(told.bars) + told.left_out == 400
    for number, bar in enumerate(told.bars):
        assert bar.parent is None or bar.parent < number
        assert bar.depth == (1 if bar.parent is None else told.bars[bar.parent].depth + 1)
    longest = max(segments, key=lambda one: one.duration_ms)
    assert longest.name in [bar.name for bar in told.bars]


def test_usual_durations_are_of_the_same_place() -> None:
    usual = execution(
        Segment("handler", 30.0),
        Segment("SELECT", 4.0, "db", parent=0),
        Segment("SELECT", 6.0, "db", parent=0),
        Segment("SELECT", 50.0, "db"),
    )
    told = waterfall(execution(Segment("handler", 90.0), Segment("SELECT", 80.0, "db", parent=0, count=4)), usual)
    assert [(bar.usual_ms, bar.usual_count) for bar in told.bars] == [(30.0, 1), (20.0, 2)]
    alone = waterfall(execution(Segment("INSERT", 80.0, "db")), usual)
    assert [(bar.usual_ms, bar.usual_count) for bar in alone.bars] == [(None, 0)]


def test_an_execution_without_segments_is_itself_alone() -> None:
    told = waterfall(execution())
    assert (told.bars, told.left_out, told.call_gap_ms) == ([], 0, None)
