"""Drift: told once for a changed distribution that lasts, never for noise, gated executions or a short fault."""

import numpy as np
import pytest

from tracehound.detectors.bank import Flags, Floats, Slots
from tracehound.detectors.charts.drift import (
    BLOCK,
    LIMIT,
    NOISE,
    REFERENCE,
    SAMPLE,
    Drift,
    DriftFinding,
    stability_index,
)
from tracehound.detectors.packed.snapshot import pack, unpack

LEARNED = SAMPLE + REFERENCE


def opened(columns: int = 1, **given: float) -> Drift:
    drift = Drift(columns, **given)  # type: ignore[arg-type]  # mypy sees one type for all keyword arguments
    drift.open(0, 0)
    return drift


def observe(drift: Drift, values: Floats, start: float = 0.0, learn: Flags | None = None) -> list[DriftFinding]:
    rows = len(values)
    allowed = np.ones(rows, np.bool_) if learn is None else learn
    return drift.observe(np.zeros(rows, np.int64), values.reshape(rows, -1), start + np.arange(float(rows)), allowed)


def normal(rows: int, seed: int = 1, mean: float = 0.0) -> Floats:
    return np.random.default_rng(seed).normal(mean, 1.0, rows)


def test_noise_has_the_stated_mean_and_is_never_drift() -> None:
    indexes = []
    for seed in range(10):
        drift, values = opened(patience_s=0.0), normal(LEARNED + 20 * BLOCK, seed)
        assert observe(drift, values[:LEARNED]) == []
        for first in range(LEARNED, len(values), BLOCK):
            assert observe(drift, values[first : first + BLOCK], float(first)) == []
            indexes.append(drift.psi(0)[0])
    assert abs(np.mean(indexes) - NOISE) < 0.005
    assert max(indexes) < LIMIT


def test_a_lasting_change_is_told_once_and_becomes_the_reference() -> None:
    drift = opened(patience_s=500.0)
    observe(drift, normal(LEARNED))
    told = observe(drift, normal(LEARNED + 10 * BLOCK, 2, mean=1.0), float(LEARNED))
    assert [(finding.row, finding.slot, finding.column) for finding in told] == [(2 * BLOCK - 1, 0, 0)]
    assert told[0].psi > 0.5
    assert drift.psi(0)[0] < LIMIT


def test_a_change_waits_for_its_patience() -> None:
    drift = opened(patience_s=1_000.0)
    observe(drift, normal(LEARNED))
    told = observe(drift, normal(8 * BLOCK, 2, mean=1.0), float(LEARNED))
    assert [finding.row for finding in told] == [4 * BLOCK - 1]


def test_what_changes_with_the_day_or_grows_slowly_is_told_once_a_week() -> None:
    minutes = np.arange(0.0, 21 * 86_400.0, 60.0)
    for course in (np.sin(2.0 * np.pi * minutes / 86_400.0), 2.0 * minutes / 604_800.0):
        drift = opened()
        values = np.random.default_rng(1).normal(course, 1.0)[:, None]
        told = drift.observe(np.zeros(len(values), np.int64), values, minutes, np.ones(len(values), np.bool_))
        at_s = minutes[[finding.row for finding in told]]
        assert 2 <= len(told) <= 3
        assert np.diff(at_s).min() >= 7 * 86_400.0


def test_one_block_is_no_drift() -> None:
    drift = opened(patience_s=0.0)
    observe(drift, normal(LEARNED))
    assert observe(drift, normal(BLOCK, 2, mean=2.0), 2_000.0) == []
    assert drift.psi(0)[0] > 1.0
    assert observe(drift, normal(BLOCK, 3), 3_000.0) == []
    assert observe(drift, normal(BLOCK, 4, mean=2.0), 4_000.0) == []


def test_executions_that_deviate_do_not_count() -> None:
    drift = opened(patience_s=0.0)
    observe(drift, normal(LEARNED))
    rows = 4 * BLOCK
    assert observe(drift, normal(rows, 2, mean=3.0), 2_000.0, np.zeros(rows, np.bool_)) == []
    assert np.isnan(drift.psi(0)[0])


@pytest.mark.parametrize("becomes", [3.0, 5.0])
def test_a_constant_feature_drifts_both_ways(becomes: float) -> None:
    drift = opened(patience_s=0.0)
    observe(drift, np.full(LEARNED + BLOCK, 4.0))
    assert drift.psi(0)[0] == 0.0
    assert len(observe(drift, np.full(2 * BLOCK, becomes), 2_000.0)) == 1


def test_missing_values_are_left_out() -> None:
    drift = opened(columns=2, patience_s=0.0)
    values = np.column_stack([normal(LEARNED + BLOCK), np.full(LEARNED + BLOCK, np.nan)])
    assert observe(drift, values) == []
    assert np.isfinite(drift.psi(0)).tolist() == [True, False]


def mixed() -> tuple[Slots, Floats, Floats, Flags]:
    random, rows = np.random.default_rng(5), 9_000
    values = random.normal(size=(rows, 2))
    values[random.random((rows, 2)) < 0.05] = np.nan
    values[rows // 2 :, 1] += 2.0
    return random.integers(0, 2, rows), values, np.arange(float(rows)), random.random(rows) < 0.95


def two() -> Drift:
    drift = Drift(2, patience_s=300.0)
    drift.open(0, 0)
    drift.open(1, 1)
    return drift


@pytest.mark.parametrize("size", [1, 250])
def test_a_batch_is_the_same_as_smaller_ones(size: int) -> None:
    given = mixed()
    whole, split = two(), two()
    together = whole.observe(*given)
    apart = [
        (first + finding.row, finding.slot, finding.column, finding.psi)
        for first in range(0, len(given[0]), size)
        for finding in split.observe(*(array[first : first + size] for array in given))  # type: ignore[arg-type]  # mixed array types
    ]
    assert [(one.row, one.slot, one.column, one.psi) for one in together] == apart
    assert {(one.slot, one.column) for one in together} == {(0, 1), (1, 1)}


def test_a_snapshot_resumes_identically() -> None:
    slots, values, times, learn = mixed()
    whole, first, second = two(), two(), Drift(2, patience_s=300.0)
    together = whole.observe(slots, values, times, learn)
    first.observe(slots[:5_000], values[:5_000], times[:5_000], learn[:5_000])
    second.open(7, 0)
    second.restore(7, unpack(pack(first.snapshot(1))))
    mine = np.flatnonzero((slots == 1) & (np.arange(9_000) >= 5_000))
    resumed = second.observe(np.full(len(mine), 7), values[mine], times[mine], learn[mine])
    expected = [(one.row, one.psi) for one in together if one.slot == 1 and one.row >= 5_000]
    assert [(int(mine[one.row]), one.psi) for one in resumed] == expected
    assert len(expected) == 1
    assert pack(second.snapshot(7)) == pack(whole.snapshot(1))


def test_memory_is_small_and_does_not_grow() -> None:
    drift = opened(columns=4)
    most = drift.nbytes()
    assert most < 2_560
    for begin in range(0, 5_000, 50):
        observe(drift, normal(200, seed=begin).reshape(50, 4))
        assert drift.nbytes_now(1) <= most
    assert drift.nbytes_now(1) < 600


def test_an_opened_slot_forgets_who_was_there_before() -> None:
    used, fresh = opened(), opened()
    observe(used, normal(LEARNED + BLOCK))
    used.open(0, 0)
    assert pack(used.snapshot(0)) == pack(fresh.snapshot(0))


def test_the_index_is_symmetric_and_zero_for_equal_shares() -> None:
    one, other = np.array([10, 0, 290]), np.array([100, 100, 100])
    assert stability_index(one, other) == pytest.approx(stability_index(other, one))
    assert stability_index(other, 5 * other) == 0.0
    assert np.isfinite(stability_index(one, np.array([0, 0, 300])))


def test_a_state_or_values_of_other_columns_are_refused() -> None:
    drift = opened(columns=2)
    with pytest.raises(ValueError, match="must be an array"):
        drift.restore(0, opened().snapshot(0))
    with pytest.raises(ValueError, match="must have the shape"):
        observe(drift, normal(10))


@pytest.mark.parametrize("wrong", [{"columns": 0}, {"patience_s": -1.0}, {"blocks": 0}])
def test_illegal_settings_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"parameter of Drift must be at least"):
        opened(**wrong)  # type: ignore[arg-type]  # mypy sees one type for all keyword arguments
