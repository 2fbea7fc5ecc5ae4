"""Between deviations in sigma and false-alarm probabilities, far into the tail."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp

_LOG_10 = math.log(10.0)


def score_of_sigma(sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """−log10 of the upper tail of the standard normal distribution beyond ``sigma`` (any shape).

    >>> score_of_sigma(np.array([0.0, 6.0])).round(2).tolist()
    [0.3, 9.01]
    """
    scores: NDArray[np.float64] = log_ndtr(-sigma) / -_LOG_10
    return scores


def sigma_of_score(score: float) -> float:
    """The deviation, in sigma, that a false-alarm probability of 10 ** −score corresponds to.

    >>> round(sigma_of_score(9.01), 2)
    6.0
    """
    return max(0.0, -float(ndtri_exp(-score * _LOG_10)))
