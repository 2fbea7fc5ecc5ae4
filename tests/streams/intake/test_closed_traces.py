import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.streams.intake import closed_traces
from tracehound.streams.intake.closed_traces import ClosedTraces, fingerprint

FINGERPRINTS = st.integers(0, 2**64 - 1)
PLACES = st.integers(0, 2**63 - 1)


@given(st.lists(st.tuples(FINGERPRINTS, PLACES, PLACES), max_size=20))
def test_what_is_packed_comes_back_in_its_order(given_: list[tuple[int, int, int]]) -> None:
    closed = ClosedTraces()
    for trace, offset, watermark_ms in given_:
        closed.add(trace, offset, watermark_ms)

    restored = ClosedTraces.unpack(*closed.pack())

    assert list(restored) == list(closed)
    assert [restored.closed_at(trace) for trace in restored] == [closed.closed_at(trace) for trace in closed]
    assert restored.pack() == closed.pack()
    assert len(restored) == len({trace for trace, _, _ in given_})


def test_marks_of_a_trace_add_up_come_back_and_are_forgotten_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = ClosedTraces()
    closed.add(1, 10, 100, b"aaaa")
    closed.add(2, 11, 110)
    closed.add(1, 12, 120, b"bbbbcccc")

    restored = ClosedTraces.unpack(*closed.pack(), *closed.pack_marks())

    assert [restored.marks_of(trace) for trace in (1, 2, 3)] == [b"aaaabbbbcccc", b"", b""]
    assert restored.pack_marks() == closed.pack_marks()
    assert ClosedTraces.unpack(*closed.pack()).marks_of(1) == b""  # as earlier versions wrote it
    with pytest.raises(ValueError, match="must be those of"):
        ClosedTraces.unpack(*closed.pack(), closed.pack_marks()[0], b"aaaa")
    monkeypatch.setattr(closed_traces, "_REMEMBERED_MARKS", 2)
    restored.forget(100, 0, but={2})
    assert list(restored) == [2]


@pytest.mark.parametrize("column", range(3))
@pytest.mark.parametrize("flaw", [b"", b"1234567", b"12345678" * 3])
def test_columns_that_do_not_fit_are_refused(column: int, flaw: bytes) -> None:
    columns = [b"12345678" * 2] * 3
    columns[column] = flaw

    with pytest.raises(ValueError):
        ClosedTraces.unpack(*columns)


def test_a_trace_closed_again_is_as_if_closed_only_then() -> None:
    closed = ClosedTraces()
    closed.add(1, 10, 100)
    closed.add(2, 11, 110)
    closed.add(1, 12, 120)

    assert list(closed) == [2, 1]
    assert closed.closed_at(1) == 12
    assert closed.closed_at(3) is None


def test_a_trace_is_forgotten_when_no_replay_and_no_late_span_is_expected() -> None:
    closed = ClosedTraces()
    for trace in range(4):
        closed.add(trace, 10 + trace, 100 + trace)

    closed.forget(10, 1_000)  # a replay may begin at 10
    assert list(closed) == [0, 1, 2, 3]
    closed.forget(20, 100)  # late spans are still to be told
    assert list(closed) == [0, 1, 2, 3]
    closed.forget(12, 1_000)
    assert list(closed) == [2, 3]
    closed.forget(20, 103)
    assert list(closed) == [3]


def test_no_more_than_so_many_are_remembered_unless_a_replay_may_need_them() -> None:
    closed = ClosedTraces()
    more = 10
    for trace in range(closed_traces._REMEMBERED + more):
        closed.add(trace, trace, 0)

    closed.forget(3, 0)
    assert len(closed) == closed_traces._REMEMBERED + more - 3
    closed.forget(10**9, 0)
    assert len(closed) == closed_traces._REMEMBERED
    assert closed.closed_at(more - 1) is None
    assert closed.closed_at(more) == more


def test_fingerprints_fill_64_bits_and_differ() -> None:
    found = {fingerprint(f"{number:032x}") for number in range(10_000)}

    assert len(found) == 10_000
    assert np.array(sorted(found), dtype="<u8")[-1] > 2**63
