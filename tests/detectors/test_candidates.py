"""Settings that are tried: which there are, and that a wrong one is named."""

import pytest

from tracehound.detectors.candidates import candidates, with_candidate
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.errors import ConfigurationError


@pytest.mark.parametrize(
    ("candidate", "sentence"),
    [
        ({"no_such": 1.0}, "must be a number of detection. Got 'no_such' instead."),
        ({"extra_detectors": 1.0}, "Got 'extra_detectors' instead."),
        ({"least_sigma": -1.0}, "The setting 'least_sigma' must be from 3 to 40. Got -1.0 instead."),
        ({"first_refit": 100.5}, "The setting 'first_refit' must be a whole number. Got 100.5 instead."),
    ],
)
def test_a_wrong_candidate_is_named(candidate: dict[str, float], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        with_candidate(DetectionSettings(), candidate)
    assert sentence in str(refused.value)


def test_candidates_are_all_combinations_or_as_many_as_may_be() -> None:
    search = {"least_sigma": [4.0, 5.0, 6.0], "alarm_budget": [0.5, 1.0]}
    whole = candidates(search, 100)
    assert whole[0] == {}
    assert len(whole) == len({tuple(one.items()) for one in whole}) == 7
    few = candidates(search, 4, seed=3)
    assert few == candidates(search, 4, seed=3)
    assert (len(few), few[0]) == (4, {})
    assert all(one in whole for one in few)
    assert candidates({}, 5) == [{}]
    assert len(candidates({str(name): [1.0] * 50 for name in range(12)}, 20)) == 20
