import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.intake.conftest import NATIVE, OTHER, OTLP, make_tick
from tracehound.schemas.spans import SourceName, Tick
from tracehound.streams.intake.source_clocks import BEGINNING, SourceClocks

PATIENCE_MS = 60


@pytest.fixture
def clocks() -> SourceClocks:
    return SourceClocks(PATIENCE_MS)


def test_the_watermark_is_the_lowest_clock_of_the_sources_heard_of(clocks: SourceClocks) -> None:
    assert clocks.watermark_ms == BEGINNING

    clocks.take(OTLP, 0, 100)
    assert clocks.watermark_ms == 100
    clocks.take(OTHER, 0, 120)
    clocks.take(OTLP, 1, 150)
    assert clocks.watermark_ms == 120
    clocks.tick(make_tick(1, otlp=160, other=170))
    assert clocks.watermark_ms == 160


def test_the_watermark_never_goes_back(clocks: SourceClocks) -> None:
    clocks.take(OTLP, 0, 100)

    clocks.take(OTHER, 0, 20)
    assert clocks.watermark_ms == 100
    clocks.take(OTHER, 1, 90)
    assert clocks.watermark_ms == 100
    clocks.take(OTHER, 2, 200)
    clocks.take(OTLP, 1, 130)
    assert clocks.watermark_ms == 130


def test_what_a_source_brings_behind_the_watermark_has_the_time_of_the_watermark(clocks: SourceClocks) -> None:
    """Else its traces would be closed by the very record that opens them."""
    clocks.take(OTLP, 0, 100)

    assert clocks.take(OTHER, 0, 20) == 100
    clocks.tick(make_tick(1, otlp=160, other=170))
    assert clocks.take(OTLP, 1, 150) == 160
    assert clocks.take(OTHER, 1, 180) == 180


def test_a_clock_that_goes_back_stays_where_it_was(clocks: SourceClocks) -> None:
    assert clocks.take(OTLP, 0, 100) == 100
    assert clocks.take(OTLP, 1, 80) == 100
    clocks.tick(make_tick(1, otlp=60))

    assert clocks.take(OTLP, 2, 90) == 100
    assert clocks.take(OTLP, 3, 110) == 110


def test_a_record_that_came_before_is_told_and_changes_nothing(clocks: SourceClocks) -> None:
    clocks.take(OTLP, 5, 100)

    assert clocks.take(OTLP, 5, 900) is None
    assert clocks.take(OTLP, 4, 900) is None
    assert clocks.watermark_ms == 100
    assert clocks.take(OTLP, 6, 101) == 101


def test_a_source_without_a_clock_holds_the_watermark_back(clocks: SourceClocks) -> None:
    clocks.tick(make_tick(1_000, otlp=100, other=None))
    clocks.take(OTLP, 0, 150)
    assert clocks.watermark_ms == BEGINNING

    clocks.take(OTHER, 0, 130)
    assert clocks.watermark_ms == 130


def test_a_source_that_nobody_reads_is_waited_for_no_longer_than_patience(clocks: SourceClocks) -> None:
    clocks.tick(make_tick(1_000, otlp=100, other=90))
    clocks.tick(make_tick(1_030, otlp=130, other=None))
    clocks.tick(make_tick(1_060, otlp=160, other=None))
    assert clocks.watermark_ms == 90

    clocks.tick(make_tick(1_061, otlp=161, other=None))
    assert clocks.watermark_ms == 161

    clocks.take(OTHER, 0, 95)  # back, but what it brings is behind
    assert clocks.watermark_ms == 161
    clocks.take(OTLP, 0, 200)
    assert clocks.watermark_ms == 161
    clocks.tick(make_tick(1_070, other=180))
    assert clocks.watermark_ms == 180


def test_a_source_that_never_told_a_clock_is_given_up_too(clocks: SourceClocks) -> None:
    clocks.tick(make_tick(1_000, otlp=100, native=None))
    clocks.tick(make_tick(1_050, otlp=150, native=None))
    assert clocks.watermark_ms == BEGINNING

    clocks.tick(make_tick(1_061, otlp=161, native=None))
    assert clocks.watermark_ms == 161


def test_records_of_a_source_are_news_of_it(clocks: SourceClocks) -> None:
    clocks.tick(make_tick(1_000, otlp=100, other=90))
    clocks.tick(make_tick(1_050, otlp=150))
    clocks.take(OTHER, 0, 95)
    clocks.tick(make_tick(1_080, otlp=180))

    assert clocks.watermark_ms == 95


def test_after_everybody_was_away_all_get_new_patience(clocks: SourceClocks) -> None:
    clocks.tick(make_tick(1_000, otlp=100, other=90))

    clocks.tick(make_tick(9_000, otlp=8_000, other=None))
    clocks.tick(make_tick(9_060, otlp=8_060, other=None))
    assert clocks.watermark_ms == 90

    clocks.tick(make_tick(9_061, otlp=8_061, other=None))
    assert clocks.watermark_ms == 8_061


def test_a_sender_whose_clock_is_behind_takes_nobodys_patience_back(clocks: SourceClocks) -> None:
    clocks.tick(make_tick(1_000, otlp=100, other=90))
    clocks.tick(make_tick(1_055, otlp=150))
    clocks.tick(make_tick(900, other=95))
    clocks.tick(make_tick(1_100, otlp=180))

    assert clocks.now_ms == 1_100
    assert clocks.watermark_ms == 95


SOURCES: list[SourceName] = [OTLP, OTHER, NATIVE]
RECORDS = st.tuples(st.sampled_from(SOURCES), st.integers(0, 30), st.integers(0, 500))
TICKS = st.tuples(
    st.integers(0, 1_000),
    st.lists(st.tuples(st.sampled_from(SOURCES), st.none() | st.integers(0, 500)), max_size=3),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(RECORDS | TICKS, max_size=40))
def test_whatever_comes_the_watermark_is_the_lowest_clock_ever_reached_by_all_heard_of(
    events: list[tuple[SourceName, int, int] | tuple[int, list[tuple[SourceName, int | None]]]],
) -> None:
    clocks = SourceClocks(PATIENCE_MS)
    reached = BEGINNING
    for event in events:
        before = {name: source.clock_ms for name, source in clocks.sources.items()}
        if len(event) == 2:
            clocks.tick(Tick(event[0], [(*name, clock_ms) for name, clock_ms in event[1]]))
        else:
            clocks.take(*event)
        heard = [one for one in clocks.sources.values() if one.heard_ms >= clocks.now_ms - PATIENCE_MS]
        assert all((clocks.sources[name].clock_ms or 0) >= (clock_ms or 0) for name, clock_ms in before.items())
        assert clocks.watermark_ms >= reached
        if clocks.watermark_ms > reached:
            assert clocks.watermark_ms == min(-1 if one.clock_ms is None else one.clock_ms for one in heard)
        if len(event) == 2 and heard and all(one.clock_ms is not None for one in heard):
            assert clocks.watermark_ms >= min(one.clock_ms or 0 for one in heard)
        reached = clocks.watermark_ms


def test_a_source_that_was_made_anew_begins_again_and_one_that_is_read_again_does_not() -> None:
    clocks = SourceClocks(1_000)
    name = ("otlp", 0)
    assert clocks.take(name, 500, 10, "before") == 10
    assert clocks.take(name, 3, 11, "before") is None
    assert clocks.take(name, 3, 11) is None
    assert clocks.take(name, 3, 11, "after") == 11
    assert clocks.take(name, 4, 12) == 12
