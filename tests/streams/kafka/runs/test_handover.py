"""Nothing twice and nothing left out between the fetcher and the commit, whatever is sought in between."""

from collections.abc import Iterable, Sequence

from aiokafka import ConsumerRecord
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from tracehound.streams.kafka.runs.handover import Handover

PLACE = TP("executions.v1", 0)


def records(offsets: Iterable[int]) -> Sequence[ConsumerRecord]:
    return [ConsumerRecord(*PLACE, offset, 0, 0, None, b"", None, -1, -1, ()) for offset in offsets]


def test_what_was_handed_over_before_is_left_out_of_the_next_run() -> None:
    handover = Handover()
    first, second = (handover.new_run(PLACE, records(some)) for some in ([0, 1, 2], [1, 2, 3]))
    assert first is not None
    assert second is not None
    assert [record.offset for record in second.records] == [3]
    assert handover.new_run(PLACE, records([2, 3])) is None


def test_what_is_held_are_the_values_of_what_was_not_read_yet() -> None:
    handover = Handover()
    value = b"x" * 100
    of_size = [ConsumerRecord(*PLACE, offset, 0, 0, None, value, None, -1, 100, ()) for offset in range(6)]
    runs = [handover.new_run(PLACE, of_size[first : first + 2]) for first in (0, 2, 4)]
    assert handover.held_bytes() == 600
    assert runs[0] is not None
    runs[0].release()
    assert handover.held_bytes() == 400
    handover.give_up()
    assert handover.held_bytes() == 0


def test_only_leading_acknowledged_runs_count_for_the_commit() -> None:
    handover = Handover()
    runs = [run for some in ([0, 1], [2], [5, 6]) if (run := handover.new_run(PLACE, records(some)))]
    runs[1].ack()
    assert handover.processed() is None
    runs[0].ack()
    assert handover.processed() == 3
    runs[2].finish()
    assert handover.processed() == 3, "a run that is finished waits for its acknowledgement"
    assert handover.all_done
    runs[2].ack()
    assert handover.processed() == 7


def test_what_is_out_at_a_seek_is_given_up_and_comes_again() -> None:
    handover = Handover()
    run = handover.new_run(PLACE, records(range(10)))
    assert run is not None
    before = handover.seeks
    handover.go_back_to(4, now_s=50.0)
    assert handover.seeks > before
    assert not run.outstanding
    run.ack()
    assert handover.processed() is None
    again = handover.new_run(PLACE, records(range(10)))
    assert again is not None
    assert (again.start, handover.sought_at) == (4, 50.0)


def test_a_first_fetch_that_begins_too_late_is_refused_once() -> None:
    handover = Handover()
    handover.go_back_to(4, now_s=50.0)
    assert handover.leaves_out(records([6, 7]))
    assert not handover.leaves_out(records([6, 7])), "there may be nothing before it"
    handover.go_back_to(None, now_s=60.0)
    assert not handover.leaves_out(records([6])), "where it begins at the start there is no telling"


def test_the_fetcher_moves_on_over_what_is_not_for_consumers_until_it_is_sent_elsewhere() -> None:
    handover = Handover()
    handover.go_on_at(8)
    handover.end_seek(handover.begin_seek())
    handover.pass_to(10)
    assert (handover.next, handover.following) == (8, 10)
    handover.begin_seek()
    assert handover.following == 8


def test_a_revoked_partition_is_forgotten_but_not_that_it_was_sought() -> None:
    handover = Handover()
    handover.go_back_to(4, now_s=50.0)
    run = handover.new_run(PLACE, records([4, 5]))
    assert run is not None
    assert handover.undone_from == 4
    seeks = handover.seeks
    handover.revoke()
    assert not handover.positioned
    assert [handover.following, handover.sought_at, handover.undone_from] == [None] * 3
    assert not run.outstanding
    assert handover.seeks == seeks, "a fetch from before would else be taken for one from after"


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8), st.booleans()), max_size=30))
def test_whatever_is_fetched_offsets_only_rise_and_the_commit_stops_at_the_first_gap(
    fetches: list[tuple[int, int, bool]],
) -> None:
    handover = Handover()
    out = []
    for begin, count, acknowledge in fetches:
        run = handover.new_run(PLACE, records(range(begin, begin + count)))
        if run is not None:
            out.append((run, acknowledge))
            if acknowledge:
                run.ack()
    seen = [record.offset for run, _ in out for record in run.records]
    assert seen == sorted(set(seen))
    expected = None
    for run, acknowledged in out:
        if not acknowledged:
            break
        expected = run.end
    assert handover.processed() == expected


def test_a_partition_that_holds_nothing_for_consumers_is_committed_to_its_end() -> None:
    handover = Handover()
    handover.pass_to(3)
    assert handover.processed() is None  # it is not known where reading begins
    handover.go_on_at(None)
    handover.end_seek(handover.begin_seek())
    handover.pass_to(21)
    assert handover.processed() == 21


def test_what_is_not_for_consumers_behind_the_last_run_is_committed_too() -> None:
    handover = Handover()
    handover.go_on_at(0)
    handover.end_seek(handover.begin_seek())
    handover.pass_to(3)  # an aborted transaction and its marker, and nothing else
    assert handover.processed() == 3
    run = handover.new_run(TP("t", 0), records((3, 4)))
    assert run is not None
    handover.pass_to(6)
    assert handover.processed() is None
    run.ack()
    assert handover.processed() == 6
    handover.go_back_to(3, 0.0)
    assert handover.processed() is None  # what was passed is to be read again


def test_where_the_fetcher_stands_says_nothing_before_it_was_sent_to_what_is_committed() -> None:
    handover = Handover()
    assert handover.new_run(PLACE, records(range(8))) is not None
    handover.go_back_to(None, 0.0)  # scoring failed, and nothing of it is committed
    handover.pass_to(8)  # where the fetcher stood before
    assert handover.processed() is None
    first, second = handover.begin_seek(), handover.begin_seek()
    handover.end_seek(first)
    handover.pass_to(8)
    assert handover.processed() is None
    handover.end_seek(second)
    handover.pass_to(8)
    assert handover.processed() == 8  # as of transactions
