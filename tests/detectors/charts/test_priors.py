"""The priors that are shipped: one for each charted signal, plausible, and bounded in what they may say."""

import numpy as np
import pytest

from tracehound.detectors.charts.priors import PRIOR_SIZE, shipped_reference
from tracehound.detectors.charts.signals import CALLS, CHARTS


@pytest.mark.parametrize("signal", [signal.name for signal in (*CHARTS, *CALLS)])
def test_every_charted_signal_has_a_prior(signal: str) -> None:
    reference = shipped_reference(signal)
    assert reference.shape == (PRIOR_SIZE,)
    assert reference.dtype == np.float32
    assert (np.diff(reference) > 0).all()
    assert reference[0] > 0
    assert reference[-1] / reference[0] > 10


def test_the_same_every_time_and_a_copy() -> None:
    one = shipped_reference("self_ms")
    one[:] = 0
    assert shipped_reference("self_ms").all()


def test_a_signal_without_a_prior_is_an_error() -> None:
    with pytest.raises(KeyError):
        shipped_reference("mood")
