"""Every detector that keeps packed state keeps one contract; a class that is missing here is found and named.

Registered banks have more to keep, in ``test_contract.py``. How each is given a stream of values
is in ``state_adapters.py``.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.detectors.damage import changes
from tests.detectors.state_adapters import ADAPTERS, Adapter, Rows
from tracehound import detectors
from tracehound.detectors.alarms.silence import SilenceWatch
from tracehound.detectors.alarms.stopped import StoppedWatch
from tracehound.detectors.bank import Bank
from tracehound.detectors.charts.charts import Charts
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.levels.watch import LevelWatch
from tracehound.detectors.logs.templates import TemplateMiner
from tracehound.detectors.scoring.by_settings import ScorerBySettings
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.scoring.watches import Watches
from tracehound.detectors.windows.arrivals import Arrivals
from tracehound.detectors.windows.bursts import Bursts

ROWS = 3_000
FOUND = 16
"""Classes with a ``snapshot`` that there are at least; a search that no longer descends finds fewer."""
ELSEWHERE = {
    Arrivals,
    Bursts,
    Charts,
    Ensemble,
    IncidentBook,
    LevelWatch,
    Scorer,
    ScorerBySettings,
    SilenceWatch,
    StoppedWatch,
    Watches,
    TemplateMiner,
}
"""Classes with a ``snapshot`` that are made of others or keep no arrays: their own tests and those of the scorer judge
them."""


@pytest.fixture(params=[make for _, make in ADAPTERS.values()], ids=list(ADAPTERS))
def make(request: pytest.FixtureRequest) -> Callable[[], Adapter]:
    maker: Callable[[], Adapter] = request.param
    return maker


def stream(rows: int = ROWS, slot: int = 0, start: float = 0.0, seed: int = 5) -> Rows:
    random = np.random.default_rng(seed)
    values = random.lognormal(np.log(50.0), 0.3, rows)
    values[random.random(rows) < 0.01] *= 10.0
    values[rows // 2 : rows // 2 + 90] *= 8.0
    return Rows(np.full(rows, slot, np.int64), values, start + np.arange(rows, dtype=np.float64))


def opened(make: Callable[[], Adapter], slot: int = 0) -> Adapter:
    made = make()
    made.open(slot)
    return made


def same(one: Any, other: Any) -> bool:
    """Whether two states, which may be nested, are equal."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)


def equal(one: Sequence[NDArray[Any]], other: Sequence[NDArray[Any]]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(one, other, strict=True)
    )


def classes_with_state() -> set[type]:
    found: set[type] = set()
    for module in pkgutil.walk_packages(detectors.__path__, "tracehound.detectors."):
        members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        found |= {one for _, one in members if callable(getattr(one, "snapshot", None))}
    return {one for one in found if one.__module__.startswith("tracehound.detectors.") and not inspect.isabstract(one)}


def test_every_detector_with_a_state_is_held_to_a_contract() -> None:
    adapted = {kind for kind, _ in ADAPTERS.values()}
    banks = {one for one in classes_with_state() if issubclass(one, Bank)}
    missing = classes_with_state() - banks - adapted - ELSEWHERE
    assert not missing, "Give these an adapter in ADAPTERS."
    assert len(classes_with_state()) >= FOUND
    assert adapted <= classes_with_state()


def test_the_stream_makes_each_detector_speak(make: Callable[[], Adapter]) -> None:
    given = opened(make).learn(stream())
    assert any(len(np.unique(np.asarray(answer), axis=0)) > 1 for answer in given)


@pytest.mark.parametrize("size", [1, 97])
def test_a_batch_is_the_same_as_smaller_ones(make: Callable[[], Adapter], size: int) -> None:
    at_once, in_turn, rows = opened(make), opened(make), stream()
    whole = at_once.learn(rows)
    parts = [in_turn.learn(rows[first : first + size]) for first in range(0, len(rows), size)]
    assert equal([np.concatenate(columns) for columns in zip(*parts, strict=True)], whole)
    assert same(at_once.snapshot(0), in_turn.snapshot(0))


def test_keys_do_not_influence_each_other(make: Callable[[], Adapter]) -> None:
    alone, among, rows = opened(make), opened(make), stream()
    among.open(40, seed=9)
    both = Rows(np.tile(np.array([0, 40]), len(rows)), np.repeat(rows.values, 2), np.repeat(rows.times, 2))
    both.values[1::2] *= 3.0
    expected, given = alone.learn(rows), among.learn(both)
    assert equal([answer[::2] for answer in given], expected)
    assert same(alone.snapshot(0), among.snapshot(0))


@pytest.mark.parametrize("cut", [0, 37, 1_540, 2_500])
def test_a_snapshot_resumes_identically(make: Callable[[], Adapter], cut: int) -> None:
    first, second, rows = opened(make), make(), stream()
    first.learn(rows[:cut])
    second.open(7, seed=99)
    second.learn(stream(200, slot=7, seed=8))
    second.restore(7, first.snapshot(0))
    assert same(first.snapshot(0), second.snapshot(7))
    rest = rows[cut:]
    moved = Rows(np.full(len(rest), 7), rest.values, rest.times)
    assert equal(first.learn(rest), second.learn(moved))
    assert same(first.snapshot(0), second.snapshot(7))


def test_a_snapshot_is_a_copy(make: Callable[[], Adapter]) -> None:
    made, again, rows = opened(make), opened(make), stream()
    for one in (made, again):
        one.learn(rows[:1_000])
    taken = made.snapshot(0)
    made.learn(rows[1_000:])
    assert same(taken, again.snapshot(0))


def test_what_is_restored_is_a_copy_too(make: Callable[[], Adapter]) -> None:
    made, other, rows = opened(make), opened(make), stream()
    made.learn(rows[:1_000])
    taken = made.snapshot(0)
    other.restore(0, taken)
    other.learn(rows[1_000:])
    assert same(taken, made.snapshot(0))


def test_judging_changes_nothing(make: Callable[[], Adapter]) -> None:
    made, rows = opened(make), stream()
    if not made.judges:
        assert not hasattr(made.detector, "judge")
        return
    made.learn(rows[:2_000])
    before = made.snapshot(0)
    expected = made.judge(rows[2_000:])
    assert same(before, made.snapshot(0))
    assert equal(made.judge(rows[2_000:]), expected)


def test_neither_input_is_changed(make: Callable[[], Adapter]) -> None:
    made, rows = opened(make), stream()
    kept = (rows.slots.copy(), rows.values.copy(), rows.times.copy())
    made.learn(rows)
    assert equal((rows.slots, rows.values, rows.times), kept)


def test_the_same_input_gives_the_same_answers(make: Callable[[], Adapter]) -> None:
    rows = stream()
    one, other = opened(make), opened(make)
    assert equal(one.learn(rows), other.learn(rows))
    assert same(one.snapshot(0), other.snapshot(0))


def test_an_opened_slot_forgets_who_was_there_before(make: Callable[[], Adapter]) -> None:
    made = opened(make)
    made.learn(stream())
    made.open(0)
    assert same(made.snapshot(0), opened(make).snapshot(0))


def test_memory_is_bounded_however_much_is_learned(make: Callable[[], Adapter]) -> None:
    made = opened(make)
    before = made.nbytes()
    for seed in range(10):
        made.learn(stream(slot=0, start=ROWS * seed, seed=seed))
    assert made.nbytes() == before
    assert before <= made.row_bytes_at_most
    assert stored_bytes(made.snapshot(0)) <= before + 512


def stored_bytes(state: Any) -> int:
    if isinstance(state, dict):
        return sum(stored_bytes(value) for value in state.values())
    return np.asarray(state).nbytes


def test_a_state_that_is_none_is_refused(make: Callable[[], Adapter]) -> None:
    with pytest.raises(KeyError):
        opened(make).restore(0, {})


@pytest.mark.parametrize("cut", [0, 150, 2_100])
def test_a_state_with_a_number_changed_is_refused_or_taken_as_it_is(make: Callable[[], Adapter], cut: int) -> None:
    first, second, rows = opened(make), opened(make), stream()
    first.learn(rows[:cut])
    coming = rows[cut : cut + 60]
    taken, refused = first.snapshot(0), 0
    for path, change, damaged in changes(taken):
        second.open(0)
        try:
            second.restore(0, damaged)
        except (KeyError, ValueError):
            refused += 1
            continue
        if path[-1] not in {"width_s", *second.partly_kept}:  # windows of another width start afresh
            assert same(second.snapshot(0), damaged), f"{path} = {change!r:.200} is taken over as something else."
        answers_given = second.learn(coming)
        finite = np.isfinite(np.asarray(answers_given[second.score], np.float64)).all()
        assert finite, f"{path} = {change!r:.200} makes scores that are no numbers."
        second.restore(0, second.snapshot(0))
    assert refused


def test_scores_are_finite(make: Callable[[], Adapter]) -> None:
    made = opened(make)
    assert np.isfinite(np.asarray(made.learn(stream())[made.score], np.float64)).all()
