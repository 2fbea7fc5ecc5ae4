"""An execution as text: bounded in lines and characters whatever it holds, and safe to print."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracehound.detectors.telling.waterfall import LINES, WIDTH, waterfall
from tracehound.schemas.execution import Execution, Segment

LARGEST = 1.7976931348623157e308
AMOUNTS = st.floats(0.0, LARGEST)


@st.composite
def segments(draw: st.DrawFn) -> list[Segment]:
    found: list[Segment] = []
    for number in range(draw(st.integers(0, 40))):
        parent = draw(st.none() | st.integers(0, number - 1)) if number else None
        offset = draw(st.none() | st.floats(-LARGEST, LARGEST))
        name = draw(st.text(min_size=1, max_size=60) | st.sampled_from(["SELECT", "GET"]))
        found.append(Segment(name, draw(AMOUNTS), offset_ms=offset, parent=parent, count=draw(st.integers(1, 10**12))))
    return found


@settings(max_examples=60)
@given(segments(), st.text(min_size=1, max_size=1000), AMOUNTS)
def test_it_is_bounded_and_safe_to_print(found: list[Segment], operation: str, duration_ms: float) -> None:
    lines = waterfall(Execution("shop", operation, 0.0, duration_ms, segments=found))
    assert 1 <= len(lines) <= LINES
    assert all(len(line) <= WIDTH and line.isprintable() for line in lines)
    assert sum(line.count("|") >= 2 for line in lines) >= 1


def test_the_longest_are_shown_within_what_encloses_them_and_the_rest_is_counted() -> None:
    outer = [Segment(f"step {i}", 1.0 + i, offset_ms=float(i)) for i in range(30)]
    inner = Segment("SELECT slow", 500.0, "db", offset_ms=1.0, parent=0, peer="cart-db")
    lines = waterfall(Execution("shop", "GET /", 0.0, 600.0, segments=[*outer, inner]))
    assert len(lines) == LINES
    assert lines[1].startswith("  step 0 ")
    assert any(line.startswith("    db SELECT slow (cart-db) ") and "500 ms" in line for line in lines)
    assert lines[-1] == "  and 17 more segments, shorter ones"


def test_equal_neighbours_are_one_line() -> None:
    found = [Segment("SELECT item", 2.0, "db", offset_ms=2.0 * i) for i in range(40)]
    whole, items = waterfall(Execution("shop", "GET /", 0.0, 100.0, segments=found, status="error"))
    assert whole.endswith("| 100 ms, failed")
    assert items.endswith("|###################     | 80 ms in 40")


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\u202eb", "a\nb", "a\x00b"])
def test_what_steers_a_terminal_is_escaped(name: str) -> None:
    lines = waterfall(Execution("shop", name, 0.0, 1.0, segments=[Segment(name, 1.0, peer=name)]))
    assert [line.isprintable() for line in lines] == [True, True]
