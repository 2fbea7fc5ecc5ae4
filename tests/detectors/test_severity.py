"""The table of severities, row by row."""

import pytest

from detectors.settings import DetectionSettings
from detectors.severity import Evidence, severity_of
from schemas.anomaly import Severity


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence("latency", sigma=5.9, effect=3.0, excess=100.0), None),
        (Evidence("latency", sigma=6.0, effect=3.0, excess=100.0), "minor"),
        (Evidence("latency", sigma=8.0, effect=3.0, excess=100.0), "major"),
        (Evidence("latency", sigma=8.0, effect=1.3, excess=100.0), "minor"),
        (Evidence("latency", sigma=8.0, effect=1.1, excess=100.0), None),
        (Evidence("latency", sigma=20.0, effect=9.0, excess=4.0), None),
        (Evidence("latency", sigma=7.0, whole=True, effect=3.0, excess=100.0), None),
        (Evidence("latency", sigma=8.0, whole=True, effect=3.0, excess=100.0), "major"),
        (Evidence("latency", score=8.0, effect=3.0, excess=100.0), "minor"),
        (Evidence("latency", score=50.0, effect=1.9, excess=100.0), None),
        (Evidence("structure", sigma=8.0, effect=3.0, excess=2.0), "major"),
        (Evidence("errors", score=7.9, failing=1.0, effect=100.0), None),
        (Evidence("errors", score=8.0, failing=0.1, effect=10.0), "minor"),
        (Evidence("errors", score=8.0, failing=0.2, effect=10.0), "major"),
        (Evidence("errors", score=8.0, failing=0.5, effect=10.0), "critical"),
        (Evidence("errors", score=17.0, failing=0.5, effect=1.9), None),
        (Evidence("traffic", score=5.9), None),
        (Evidence("traffic", score=6.0), "major"),
        (Evidence("outlier", sigma=9.9), None),
        (Evidence("outlier", sigma=10.0), "minor"),
        (Evidence("outlier", score=7.9), None),
        (Evidence("outlier", score=8.0), "minor"),
    ],
)
def test_each_row_of_the_table(evidence: Evidence, expected: Severity | None) -> None:
    assert severity_of(evidence, DetectionSettings()) == expected


def test_the_limits_are_settings() -> None:
    lax = DetectionSettings(minor_sigma=3.0, tail_score=3.0)
    assert severity_of(Evidence("latency", sigma=3.5, effect=3.0, excess=100.0), lax) == "minor"
    assert severity_of(Evidence("latency", score=3.5, effect=3.0, excess=100.0), lax) == "minor"
