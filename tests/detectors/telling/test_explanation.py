"""Sentences: what is typical is told in one unit."""

import pytest

from tracehound.detectors.telling.explanation import call_sentence, latency_sentence


@pytest.mark.parametrize(
    ("typical", "bounds", "said"),
    [
        (9_999.0, (8_000.0, 12_000.0), "typically 9999 ms (8000 to 12000)"),
        (10_000.0, (8_000.0, 12_000.0), "typically 10 s (8 to 12 s)"),
        (476_000.0, (60_600.0, 855_000.0), "typically 476 s (60.6 to 855 s)"),
    ],
)
def test_the_range_has_the_unit_of_what_is_typical(typical: float, bounds: tuple[float, float], said: str) -> None:
    whole = {"calls to stock": 1.0}
    assert said in latency_sentence("nightly", "duration_ms", 1e6, typical, bounds, False, whole)
    assert said in call_sentence("nightly", "stock", True, 1e6, typical, bounds, False)
