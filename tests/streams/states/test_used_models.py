"""Who has to leave memory first, and what is forgotten with a partition."""

from tracehound.schemas.execution import ApplicationKey
from tracehound.streams.states.partitions import Partition
from tracehound.streams.states.used_models import UsedModels

A, B, C = (("a", ""), ("b", ""), ("c", ""))


def test_the_least_recently_used_leave_first_but_those_that_are_needed_or_being_saved() -> None:
    used, partition = UsedModels(lambda _: None), Partition(0)
    used.use([A, B, C], partition)
    used.use([A], partition)
    assert [key for key, _ in used.idle(2, set())] == [B, C]
    assert [key for key, _ in used.idle(5, {B})] == [C, A]
    partition.saving[C] = 3
    assert used.idle(5, {B}) == [(A, partition)]
    assert used.idle(0, set()) == []


def test_what_leaves_is_dropped_from_the_core_too() -> None:
    dropped: list[ApplicationKey] = []
    used, kept, lost = UsedModels(dropped.append), Partition(0), Partition(1)
    used.use([A], kept)
    used.use([B], lost)
    lost.lost = True
    used.forget_lost()
    assert (dropped, list(used.keys()), len(used)) == ([B], [A], 1)
    used.forget(A)
    used.forget(C)  # not in memory, as far as is known here: the core may know more
    assert dropped == [B, A, C]
    assert A not in used
