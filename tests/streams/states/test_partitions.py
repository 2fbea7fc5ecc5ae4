"""What is remembered of partitions: what was learned, what is not yet saved, and what may be acknowledged."""

from typing import Any

from faust.types import TP

from tracehound.schemas.model_state import Head
from tracehound.streams.kafka.forwarding import Origin
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.states.partitions import Partition, Partitions

SHOP, TILL = ("shop", ""), ("till", "")


def runs(record: Any, *lengths: int) -> list[Run]:
    made, start = [], 0
    for length in lengths:
        made.append(Run(TP("executions", 0), [record(b"", 0, start + n) for n in range(length)]))
        start += length
    return made


def test_a_stored_state_knows_what_lies_below_its_position_until_all_was_read() -> None:
    partition = Partition(0, scored_to=3)
    partition.load({SHOP: Head(10, newest_event_s=7.0), TILL: Head(5)})
    assert (partition.knows(SHOP, 9, None), partition.knows(SHOP, 10, None)) == (True, False)
    assert (partition.knows(TILL, 5, None), partition.knows(("new", ""), 0, None)) == (False, False)
    assert partition.newest_event_s == 7.0
    assert partition.unrestored == {SHOP, TILL}
    partition.note_scored(9)
    assert partition.knows(SHOP, 9, None)
    partition.note_scored(10)
    assert partition.learned_to == {}


def test_origins_are_known_by_application_and_source() -> None:
    partition = Partition(0)
    partition.load({SHOP: Head(0, [("spans", 1, 7)])})
    assert partition.knows(SHOP, 50, Origin("spans", 1, 7))
    assert not partition.knows(SHOP, 50, Origin("spans", 1, 8))
    assert not partition.knows(SHOP, 50, Origin("spans", 2, 7))
    assert not partition.knows(TILL, 50, Origin("spans", 1, 7))
    partition.note_read(TILL, Origin("spans", 1, 9))
    assert partition.knows(TILL, 50, Origin("spans", 1, 9))
    assert not partition.knows(SHOP, 50, Origin("spans", 1, 9))


def test_what_is_read_and_not_yet_learned_is_no_part_of_the_state() -> None:
    partition = Partition(0)
    partition.note_read(TILL, Origin("spans", 1, 9))
    partition.note_read(TILL, Origin("spans", 1, 12))
    assert TILL not in partition.applications
    partition.note_learned([(TILL, Origin("spans", 1, 9))])
    assert partition.applications[TILL].origins == {("spans", 1): 9}
    assert partition.knows(TILL, 50, Origin("spans", 1, 12))
    partition.note_learned([(TILL, Origin("spans", 1, 12))])
    assert partition.applications[TILL].origins == {("spans", 1): 12}
    assert not partition.knows(TILL, 50, Origin("spans", 1, 13))


def test_runs_are_acknowledged_up_to_what_is_not_saved(record: Any) -> None:
    partition = Partition(0)
    partition.held.extend(held := runs(record, 10, 10, 10, 10))
    for run in held[:3]:
        run.finish()
    partition.dirty.update({SHOP: 15})
    partition.saving.update({TILL: 12})
    partition.acknowledge()
    assert [run.acked for run in held] == [True, False, False, False]
    del partition.saving[TILL]
    partition.acknowledge()
    assert [run.acked for run in held] == [True, False, False, False]
    partition.dirty[SHOP] = 20
    partition.acknowledge()
    assert [run.acked for run in held] == [True, True, False, False]
    partition.dirty.clear()
    partition.acknowledge()
    assert [run.acked for run in held] == [True, True, True, False]


def test_states_are_looked_for_once_the_beginning_is_known() -> None:
    partitions = Partitions(lambda _: None)
    partitions.assign([0, 1])
    assert partitions.unloaded() == []
    partitions.positioned({0: None})
    (partition,) = partitions.unloaded()
    partition.load({})
    assert partitions.unloaded() == []


def test_an_idle_partition_that_another_worker_went_on_with_is_looked_for_again() -> None:
    forgotten: list[Any] = []
    partitions = Partitions(forgotten.append)
    partitions.assign([0])
    partitions.positioned({0: None})
    (stale,) = partitions.unloaded()
    stale.load({SHOP: Head(0)})
    partitions.positioned({0: 100})
    (fresh,) = partitions.unloaded()
    assert (stale.lost, fresh.lost, fresh.scored_to, forgotten) == (True, False, 100, [SHOP])


def test_states_are_looked_for_again_when_reading_begins_after_offsets_began_anew() -> None:
    forgotten: list[Any] = []
    partitions = Partitions(forgotten.append, lambda: "anew")
    partitions.assign([0])
    partitions.positioned({0: 100})
    (stale,) = partitions.unloaded()
    stale.load({SHOP: Head(100)})
    partitions.rewound(0, 0)
    assert partitions.get(0) is stale  # what it has learned and not saved is only there
    assert stale.topic_id == "anew"  # what it forwards has the origin that it has for others, too
    partitions.positioned({0: 7})
    (fresh,) = partitions.unloaded()
    assert (stale.lost, fresh.lost, fresh.scored_to, fresh.rewound, forgotten) == (True, False, 7, False, [SHOP])


def test_what_was_stored_of_a_topic_that_is_no_more_is_looked_for_again_though_nothing_was_scored() -> None:
    partitions = Partitions(lambda _: None, lambda: "anew")
    partitions.assign([0])
    partitions.positioned({0: None})
    (stale,) = partitions.unloaded()
    stale.load({SHOP: Head(100, topic_id="before")})
    partitions.rewound(0, 0)
    assert (stale.knows(SHOP, 5, None), stale.topic_id) == (False, "anew")
    partitions.positioned({0: None})
    assert [one.lost for one in partitions.unloaded()] == [False]


def test_offsets_that_begin_anew_leave_nothing_acknowledged_by_old_numbers(record: Any) -> None:
    partitions = Partitions(lambda _: None)
    partitions.assign([0])
    partition = partitions.get(0)
    assert partition is not None
    partition.load({TILL: Head(2_000)})
    partition.note_scored(1_000)
    partition.dirty[SHOP] = 900
    partitions.rewound(0, 0)
    (held,) = runs(record, 10)
    held.finish()
    partition.held.append(held)
    partition.acknowledge()
    assert not held.acked
    assert not partition.knows(TILL, 5, None)


def test_a_partition_is_given_up_once() -> None:
    forgotten: list[Any] = []
    partitions = Partitions(forgotten.append)
    partitions.assign([0])
    partition = partitions.get(0)
    assert partition is not None
    partition.load({SHOP: Head(3)})
    partitions.drop(partition)
    partitions.assign([0])
    partitions.drop(partition)
    assert (partition.lost, forgotten, len(partitions)) == (True, [SHOP], 1)


def test_applications_of_which_nothing_comes_any_more_are_retired_once_all_was_read() -> None:
    partition = Partition(0, scored_to=3)
    partition.load({SHOP: Head(10, [("spans", 1, 7)], scored_at_s=100.0), TILL: Head(5, scored_at_s=900.0)})
    assert partition.retire(unused_since_s=500.0) == []
    partition.note_scored(10)
    partition.dirty[SHOP] = 9
    assert partition.retire(unused_since_s=500.0) == []
    del partition.dirty[SHOP]
    assert partition.retire(unused_since_s=500.0) == [SHOP]
    assert (set(partition.applications), partition.unrestored) == ({TILL}, {TILL})
    assert partition.dirty == {SHOP: 10}
    assert partition.unsaved_from == 10


def _crowded(**ages_s: tuple[float, float]) -> Partition:
    """Applications by when they were heard first and last."""
    partition = Partition(0)
    partition.load({(name, ""): Head(0, [], 0.0, last, "", 0, first) for name, (first, last) in ages_s.items()})
    partition.learned_to.clear()
    return partition


def test_names_that_came_once_make_room_and_what_comes_back_stays() -> None:
    day = 86_400.0
    partition = _crowded(
        nightly=(10 * day, 39 * day), busy=(39.9 * day, 40 * day), once=(39.5 * day, 39.5 * day), before=(0.0, 20 * day)
    )
    partition.dirty["once", ""] = 3
    assert partition.crowd_out(5, 40 * day) == []
    assert (partition.crowd_out(4, 40 * day), partition.full) == ([], 0)
    assert (partition.crowd_out(3, 40 * day), partition.full) == ([("once", "")], 3)
    assert {key for key, _ in partition.applications} == {"nightly", "busy", "before"}
    assert (partition.dirty, partition.unrestored) == ({("once", ""): 3}, set(partition.applications))


def test_the_quietest_for_their_age_go_first_and_some_more_than_must() -> None:
    partition = _crowded(**{f"made-up-{at}": (100.0 + at, 100.0 + at) for at in range(40)}, real=(0.0, 100.0))
    assert partition.crowd_out(40, 140.0) == [(f"made-up-{at}", "") for at in range(5)]


def test_a_partition_whose_applications_are_all_in_use_is_full_until_one_has_been_quiet_for_long() -> None:
    partition = _crowded(a=(0.0, 100.0), b=(0.0, 100.0), c=(50.0, 90.0))
    assert (partition.crowd_out(2, 101.0), partition.full) == ([], 3)
    assert partition.crowd_out(2, 140.0) == []  # looked at again by and by
    assert partition.retire(unused_since_s=0.0) == []
    assert (partition.crowd_out(2, 140.0), partition.full) == ([("c", "")], 2)
    assert (partition.crowd_out(3, 140.0), partition.crowd_out(2, 140.0)) == ([], [])


def test_nothing_makes_room_while_its_records_may_be_read_again() -> None:
    partition = _crowded(once=(100.0, 100.0), again=(100.0, 100.0))
    partition.learned_to["once", ""] = 9
    assert partition.crowd_out(1, 900.0) == []
    partition.note_scored(9)
    assert partition.crowd_out(1, 900.0) == [("once", "")]


def test_clocks_that_jump_back_let_nobody_go() -> None:
    partition = _crowded(a=(500.0, 100.0), b=(500.0, 500.0))
    assert (partition.crowd_out(1, 50.0), partition.full) == ([], 2)


def test_what_a_worker_of_a_past_generation_makes_later_is_not_later_than_what_its_successor_saves() -> None:
    past = Partitions(lambda _: None, generation=lambda: 1)
    present = Partitions(lambda _: None, generation=lambda: 2)
    for partitions in (past, present):
        partitions.assign([1])
        partitions.positioned({1: 20})
    [ahead], [owner] = past, present
    ahead.load({})
    owner.load({SHOP: Head(20, epoch=ahead.epoch)})
    ahead.epoch += 1  # it obeys a control, and was frozen meanwhile
    ahead.note_scored(30)
    owner.note_scored(25)
    assert Head(30, epoch=ahead.epoch).rank < Head(25, epoch=owner.epoch).rank


def test_a_partition_that_may_have_been_another_s_is_loaded_anew() -> None:
    generations = iter((4, 5, 5, 7))
    partitions = Partitions(lambda _: None, generation=lambda: next(generations))
    partitions.assign([1])
    partitions.positioned({1: 20})
    [first] = partitions
    first.load({})
    for _ in range(2):  # it stays in the next generation, and where reading goes back within that
        partitions.positioned({1: 20})
        assert list(partitions) == [first]
    assert first.epoch == 5 << 20
    partitions.positioned({1: 20})
    [second] = partitions
    assert (first.lost, second.loaded, second.scored_to, second.epoch) == (True, False, 20, 7 << 20)
