"""The table of severities, row by row."""

import pytest

from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.severity import Evidence, severity_of
from tracehound.schemas.anomaly import Severity


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence("errors", share=0.5, effect=5.0), "critical"),
        (Evidence("errors", share=0.5, effect=4.9), "major"),
        (Evidence("errors", share=0.49, effect=50.0), "major"),
        (Evidence("errors", share=0.1, effect=2.0), "major"),
        (Evidence("errors", share=0.1, effect=1.9), "minor"),
        (Evidence("errors", share=0.09, effect=90.0), "minor"),
        (Evidence("errors", effect=1.0), "minor"),
        (Evidence("traffic", silent=True), "major"),
        (Evidence("traffic", effect=0.1, window=True), "major"),
        (Evidence("traffic", effect=0.01, window=True, missed=True), "minor"),
        (Evidence("traffic", effect=0.11, window=True), "minor"),
        (Evidence("traffic", effect=4.9, window=True), "minor"),
        (Evidence("traffic", effect=5.0, window=True), "major"),
        (Evidence("latency", sigma=8.0, effect=1.5, excess=5.0), "major"),
        (Evidence("latency", sigma=7.9, effect=9.0, excess=900.0), "minor"),
        (Evidence("latency", sigma=20.0, effect=1.4, excess=900.0), "minor"),
        (Evidence("latency", sigma=20.0, effect=9.0, excess=4.9), "minor"),
        (Evidence("latency", effect=900.0, excess=90_000.0), "minor"),
        (Evidence("latency", effect=1.9, share=1.0, window=True), "minor"),
        (Evidence("saturation", effect=5.0, window=True), "major"),
        (Evidence("saturation", effect=4.9, window=True), "minor"),
        (Evidence("saturation", sigma=20.0, effect=9.0), "minor"),
        (Evidence("structure", sigma=8.0, effect=3.0), "major"),
        (Evidence("structure", sigma=7.9, effect=40.0), "minor"),
        (Evidence("structure", sigma=20.0, effect=2.9), "minor"),
        (Evidence("outlier", sigma=40.0, effect=99.0, share=1.0), "minor"),
    ],
)
def test_each_row_of_the_table(evidence: Evidence, expected: Severity) -> None:
    assert severity_of(evidence, DetectionSettings()) == expected


def test_its_limits_are_settings() -> None:
    lax = DetectionSettings(least_sigma=3.0, major_sigma=4.0, minimum_excess_ms=1.0)
    assert severity_of(Evidence("latency", sigma=4.0, effect=2.0, excess=1.0), lax) == "major"
    assert severity_of(Evidence("structure", sigma=4.0, effect=3.0), lax) == "major"
    strict = DetectionSettings(major_sigma=20.0)
    assert severity_of(Evidence("latency", sigma=19.0, effect=2.0, excess=50.0), strict) == "minor"
