"""How sure, and what is normal again: in words, for every signal and unit."""

import pytest

from tracehound.detectors.telling.deviation import Deviation
from tracehound.detectors.telling.evidence import normal_again, rarity, sure


@pytest.mark.parametrize(
    ("signal", "unit", "bounds", "said"),
    [
        ("duration_ms", "ms", (80.0, 210.0), "at 210 ms or less"),
        ("duration_ms", "ms", (60_600.0, 855_000.0), "at 855 s or less"),
        ("memory_peak_mb", "MB", (230.0, 260.0), "at 260 MB or less"),
        ("error_rate", "share", (0.0, 0.02), "at 2 % failed or less"),
        ("window_errors", "share", (0.0, 0.031), "at 3.1 % failed or less"),
        ("window_latency", "percentile", (40.0, 61.0), "at 61 % or less"),
        ("traffic", "executions/s", (0.8, 1.4), "from 0.8 to 1.4 executions/s"),
        ("concurrency", "executions", (1.0, 4.0), "at 4 executions at a time or less"),
        ("structure_count", "segments", (0.0, 3.0), "at 3 of these segments or less"),
        ("structure_missing", "segments", (1.0, 1.0), "with that segment"),
        ("error_type", "executions", (0.0, 0.0), "once it no longer fails with that"),
        ("isolation-forest", "sigma", (0.0, 1.64), "at 1.64 sigma or less"),
        ("silence_ms", "ms", (1.0, 2.0), "with its next executions"),
    ],
)
def test_what_is_normal_again_has_the_unit_of_the_signal(
    signal: str, unit: str, bounds: tuple[float, float], said: str
) -> None:
    assert normal_again(Deviation(signal, unit, 1.0, 9.0, bounds, 6.0, 5.0)) == f"Normal again {said}."


def test_chance_is_told_in_the_largest_period_it_fills() -> None:
    said = [rarity(score) for score in (0.0, 1.0, 1.08, 3.0, 5.0, 6.0, 300.0)]
    assert said == [
        "about once in 5 minutes",
        "about once in 50 minutes",
        "about once in 1 hour",
        "about once in 3.5 days",
        "about once in 347 days",
        "about once in 9.5 years",
        "less than once in 100 years",
    ]
    assert sure(3.0, 1) == "By chance about once in 3.5 days, judged by 1 execution."
