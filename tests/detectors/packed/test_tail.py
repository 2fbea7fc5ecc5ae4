"""The tail: monotone, honest below the threshold, and finite for any value."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.packed.tail import tail_score

REFERENCE = np.sort(np.random.default_rng(0).lognormal(4, 0.4, 500)).astype(np.float32)
VALUES = st.floats(0, 1e15, allow_nan=False)


@given(VALUES, VALUES)
def test_a_larger_value_never_scores_less(one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert tail_score(REFERENCE, 500, large) >= tail_score(REFERENCE, 500, small) - 0.35


@given(st.lists(st.floats(0, 1e9, width=32), min_size=1, max_size=500), VALUES)
def test_any_reference_gives_a_finite_score(values: list[float], value: float) -> None:
    ordered = np.zeros(500, np.float32)
    ordered[: len(values)] = np.sort(np.array(values, np.float32))
    score = tail_score(ordered, len(values), value)
    assert np.isfinite(score)
    assert score >= 0


def test_the_score_is_calibrated_within_the_reference() -> None:
    values = np.random.default_rng(1).lognormal(4, 0.4, 50_000)
    scores = np.array([tail_score(REFERENCE, 500, value) for value in values])
    for level in (1.0, 2.0):
        share = (scores >= level).mean()
        assert 10**-level / 3 < share < 3 * 10**-level


def test_far_out_is_far_beyond_the_limit() -> None:
    assert tail_score(REFERENCE, 500, float(REFERENCE[-1]) * 20) > 8
    assert tail_score(REFERENCE, 500, float(np.median(REFERENCE))) < 0.5
