"""The structure detector: what it finds in small systems, what it learns, and that it resumes exactly."""

from collections.abc import Callable

import numpy as np
import pytest

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.features.paths import PATH, Paths, path_hashes, paths_of
from tracehound.detectors.structure.detector import Structure, StructureJudgement
from tracehound.schemas.execution import Execution, Segment

SET_NEW, PATH_NEW, PATH_MISSING, COUNT, TIME = 1, 2, 3, 4, 5
Edit = Callable[[list[Segment]], list[Segment]]


def as_is(segments: list[Segment]) -> list[Segment]:
    return segments


def executions(rows: int, seed: int = 1, edit: Edit = as_is, slow: float = 1.0) -> list[Execution]:
    """A cart: two queries, a call to stock, and for a third of them a call to prices."""
    random = np.random.default_rng(seed)
    made = []
    for row in range(rows):
        segments = [Segment("SELECT cart", 3.0), Segment("SELECT user", 2.0), Segment("GET /stock", 10.0, peer="stock")]
        if random.random() < 0.3:
            segments.append(Segment("GET /prices", 5.0, peer="prices"))
        for segment in segments:
            segment.duration_ms *= slow * random.lognormal(0.0, 0.2)
        segments = edit(segments)
        total = 5.0 * random.lognormal(0.0, 0.2) + sum(segment.duration_ms for segment in segments)
        made.append(Execution("shop", "GET /cart", float(row), total, segments=segments))
    return made


def slots(rows: int, slot: int = 0) -> Slots:
    return np.full(rows, slot, np.int64)


def times(rows: int, start: float = 0.0) -> Floats:
    return start + np.arange(rows, dtype=np.float64)


def all_of(rows: int) -> Flags:
    return np.ones(rows, np.bool_)


def learn(structure: Structure, given: list[Execution], start: float = 0.0, slot: int = 0) -> StructureJudgement:
    n = len(given)
    return structure.judge_then_learn(slots(n, slot), paths_of(given), times(n, start), all_of(n))


def judge(structure: Structure, given: list[Execution]) -> StructureJudgement:
    return structure.judge(slots(len(given)), paths_of(given))


@pytest.fixture
def trained() -> Structure:
    structure = Structure(warm_up=60)
    structure.open(0, seed=1)
    learn(structure, executions(2000))
    return structure


def path_of(name: str, peer: str | None = None) -> int:
    return path_hashes(Execution("a", "b", 0.0, 1.0, segments=[Segment(name, 1.0, peer=peer)]))[0]


def test_it_warms_up_and_then_judges() -> None:
    structure = Structure(warm_up=60)
    structure.open(0, seed=1)
    judged = learn(structure, executions(100))
    assert judged.warming.tolist() == [True] * 60 + [False] * 40
    assert not judged.score[:60].any()
    assert judged.remembered[0]


def test_a_score_is_about_the_false_alarm_probability(trained: Structure) -> None:
    scores = judge(trained, executions(20_000, seed=9)).score
    for score in (1.0, 2.0):
        assert 0.3 < (scores >= score).mean() / 10.0**-score < 3.0
    assert (scores >= 3.0).mean() < 3e-3


def test_many_queries_show_as_count(trained: Structure) -> None:
    judged = judge(trained, executions(20, 2, lambda segments: segments + [Segment("SELECT user", 2.0)] * 39))
    assert (judged.score > 4).all()
    assert (judged.about == COUNT).all()
    assert (judged.culprit == path_of("SELECT user")).all()
    assert (judged.typical == 1.0).all()
    assert (judged.actual == 40.0).all()


def test_a_missing_call_is_named(trained: Structure) -> None:
    judged = judge(trained, executions(20, 2, lambda segments: [one for one in segments if one.peer != "stock"]))
    assert (judged.score > 4).all()
    assert (judged.about == PATH_MISSING).all()
    assert (judged.culprit == path_of("GET /stock", "stock")).all()
    assert (judged.actual == 0.0).all()


def test_a_new_call_is_named(trained: Structure) -> None:
    judged = judge(trained, executions(20, 2, lambda segments: [*segments, Segment("GET /fraud", 1.0, peer="fraud")]))
    assert (judged.score > 4).all()
    assert (judged.about == PATH_NEW).all()
    assert (judged.culprit == path_of("GET /fraud", "fraud")).all()


def test_a_call_that_some_executions_lack_is_no_novelty(trained: Structure) -> None:
    judged = judge(trained, executions(500, 3))
    assert (judged.novelty < 1).all()


def test_a_slow_call_is_named(trained: Structure) -> None:
    def slower(segments: list[Segment]) -> list[Segment]:
        segments[2].duration_ms += 500.0
        return segments

    judged = judge(trained, executions(20, 2, slower))
    assert (judged.score > 4).all()
    assert (judged.about == TIME).all()
    assert (judged.culprit == path_of("GET /stock", "stock")).all()
    assert np.abs(judged.typical - 10.0).max() < 1.0
    assert (judged.actual > 500.0).all()


def test_a_score_grows_with_the_deviation(trained: Structure) -> None:
    def slower(by: float) -> Edit:
        return lambda segments: [Segment(segments[0].name, 3.0 + by), *segments[1:3]]

    scores = [float(judge(trained, executions(1, 2, slower(by))).score[0]) for by in (5, 10, 20, 40, 80, 160)]
    assert scores == sorted(set(scores))


def test_a_fault_in_some_executions_is_not_learned(trained: Structure) -> None:
    def truncated(segments: list[Segment]) -> list[Segment]:
        return segments[:1]

    mixed = [one for pair in zip(executions(3000, 4), executions(3000, 5, truncated), strict=True) for one in pair]
    learn(trained, mixed, 2000.0)
    assert (judge(trained, executions(5, 6, truncated)).score > 3.5).all()


def test_a_new_structure_is_normal_only_after_patience(trained: Structure) -> None:
    def released(segments: list[Segment]) -> list[Segment]:
        return [*segments, Segment("GET /fraud", 1.0, peer="fraud")]

    learn(trained, executions(590, 4, released), 2000.0)
    assert (judge(trained, executions(5, 6, released)).score > 3.5).all()
    learn(trained, executions(300, 4, released), 2590.0)
    assert (judge(trained, executions(5, 6, released)).score < 2).all()
    assert (judge(trained, executions(5, 6)).score > 2).all()


def test_a_lasting_slight_shift_is_normal_after_patience(trained: Structure) -> None:
    learn(trained, executions(2000, 4, slow=1.5), 2000.0)
    assert (judge(trained, executions(200, 6, slow=1.5)).score >= 2).mean() < 0.05


def test_what_must_not_be_learned_is_not(trained: Structure) -> None:
    before = trained.snapshot(0)
    given = executions(100, 3)
    trained.judge_then_learn(slots(100), paths_of(given), times(100), np.zeros(100, np.bool_))
    assert same(before, trained.snapshot(0))


def test_judging_changes_nothing(trained: Structure) -> None:
    before = trained.snapshot(0)
    first = judge(trained, executions(50, 3)).score
    assert judge(trained, executions(50, 3)).score.tolist() == first.tolist()
    assert same(before, trained.snapshot(0))


def same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(np.asarray(one[name]), np.asarray(other[name]), equal_nan=True) for name in one
    )


def test_a_batch_equals_one_by_one_and_neighbours_do_not_matter() -> None:
    given, other = executions(700, 7), executions(700, 8, lambda segments: segments[:2])
    together, alone = Structure(warm_up=60), Structure(warm_up=60)
    for slot in (0, 5):
        together.open(slot, seed=slot)
    alone.open(0, seed=99)
    both = [one for pair in zip(given, other, strict=True) for one in pair]
    judged = together.judge_then_learn(
        np.tile(np.array([0, 5], np.int64), 700), paths_of(both), np.repeat(times(700), 2), all_of(1400)
    )
    single = [
        alone.judge_then_learn(slots(1), paths_of([one]), times(1, float(row)), all_of(1))
        for row, one in enumerate(given)
    ]
    assert judged.score[::2].tolist() == [float(one.score[0]) for one in single]
    assert judged.culprit[::2].tolist() == [int(one.culprit[0]) for one in single]
    assert same(together.snapshot(0), alone.snapshot(0))


def test_a_resumed_snapshot_goes_on_identically(trained: Structure) -> None:
    resumed = Structure(warm_up=60)
    resumed.open(3, seed=2)
    learn(resumed, executions(300, 11), slot=3)
    resumed.restore(3, trained.snapshot(0))
    assert same(resumed.snapshot(3), trained.snapshot(0))
    more = executions(5000, 12, lambda segments: segments if segments[0].duration_ms < 4.5 else segments[1:])
    first, second = learn(trained, more, 2000.0), learn(resumed, more, 2000.0, slot=3)
    assert first.score.tolist() == second.score.tolist()
    assert same(resumed.snapshot(3), trained.snapshot(0))


@pytest.mark.parametrize("name", ["keys", "frozen", "times", "operation"])
def test_a_snapshot_of_the_wrong_shape_is_refused(trained: Structure, name: str) -> None:
    before = trained.snapshot(0)
    with pytest.raises(ValueError, match="must"):
        trained.restore(0, before | {name: np.zeros((2, 2))})
    assert same(before, trained.snapshot(0))


def test_opening_forgets(trained: Structure) -> None:
    trained.open(0, seed=1)
    assert trained.known(0) == 0
    assert judge(trained, executions(1)).warming.all()


def random_paths(rows: int, different: int, seed: int) -> Paths:
    random = np.random.default_rng(seed)
    chosen = [np.unique(random.integers(10, 10 + different, 20)) for _ in range(rows)]
    path = np.concatenate(chosen).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum([len(one) for one in chosen])]).astype(np.int64)
    entries = np.ones(len(path), PATH)
    entries["path"], entries["time_ms"] = path, random.lognormal(1.0, 1.0, len(path))
    return Paths(starts, entries)


def test_memory_is_bounded_whatever_is_learned() -> None:
    structure = Structure(warm_up=60, paths_per_operation=50, sets_per_operation=10)
    structure.open(0, seed=1)
    for seed in range(5):
        paths = random_paths(2000, 100_000, seed)
        judged = structure.judge_then_learn(slots(2000), paths, times(2000, 2000.0 * seed), all_of(2000))
        assert structure.nbytes_of(0) <= structure.ceiling_bytes()
        assert np.isfinite(judged.score).all()
    before = structure.nbytes()
    structure.judge_then_learn(slots(2000), random_paths(2000, 100_000, 9), times(2000, 1e5), all_of(2000))
    assert structure.nbytes() == before


def test_an_operation_whose_sets_are_all_different_does_not_alarm_by_novelty() -> None:
    structure = Structure(warm_up=60)
    structure.open(0, seed=1)
    structure.judge_then_learn(slots(3000), random_paths(3000, 60, 1), times(3000), all_of(3000))
    judged = structure.judge(slots(500), random_paths(500, 60, 2))
    assert (judged.novelty >= 2).mean() < 0.02


def test_huge_values_stay_finite(trained: Structure) -> None:
    given = [Execution("shop", "GET /cart", 0.0, 1e300, segments=[Segment("SELECT cart", 1e300)] * 3)]
    assert np.isfinite(judge(trained, given).score).all()
    learn(trained, given * 200, 3000.0)
    assert np.isfinite(judge(trained, executions(50, 3)).score).all()


def test_an_empty_batch_is_judged(trained: Structure) -> None:
    assert judge(trained, []).score.shape == (0,)
