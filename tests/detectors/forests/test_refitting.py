"""The counts of executions at which refits start."""

import time

import pytest

from tracehound.detectors.forests.refitting import next_refit
from tracehound.detectors.settings import DetectionSettings


def one_by_one(seen: int, stagger: float, settings: DetectionSettings) -> int:
    base = float(settings.first_refit)
    while (due := round(base * (1.0 + 0.25 * stagger))) <= seen:
        base = min(base * settings.refit_growth, base + settings.refit_every_at_most)
    return due


@pytest.mark.parametrize("stagger", [0.0, 0.3125, 1023 / 1024])
@pytest.mark.parametrize(
    "settings", [DetectionSettings(), DetectionSettings(first_refit=100, refit_every_at_most=1_000)]
)
def test_the_next_refit_is_the_first_of_the_schedule_that_lies_ahead(
    settings: DetectionSettings, stagger: float
) -> None:
    for seen in [*range(0, 5_000, 7), *range(5_000, 1_000_000, 4_999)]:
        assert next_refit(seen, stagger, settings) == one_by_one(seen, stagger, settings)


def test_a_count_of_any_size_has_a_next_refit_at_once() -> None:
    begun_s = time.process_time()
    assert 0 <= next_refit(2**53, 0.5, DetectionSettings()) - 2**53 <= 2 * 62_500
    assert time.process_time() - begun_s < 10.0  # one by one it would take days
