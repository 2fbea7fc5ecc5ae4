"""The table of severities, row by row."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.incidents.severity import Breadth, incident_severity
from tracehound.schemas.anomaly import SEVERITIES, Severity

SETTINGS = IncidentSettings()
MINOR, MAJOR = Breadth("minor"), Breadth("major")


@pytest.mark.parametrize(
    ("breadth", "expected"),
    [
        (MINOR, "minor"),
        (MAJOR, "major"),
        (Breadth("critical", failing=True, erring=True), "critical"),
        (replace(MAJOR, missed=True), "critical"),
        (replace(MAJOR, broken=3, applications=3, share=0.5), "critical"),
        (replace(MAJOR, broken=3, applications=3, share=0.4), "major"),
        (replace(MAJOR, broken=2, applications=2, share=1.0), "major"),
        (replace(MAJOR, erring=True, lasted_s=1_800.0, share=0.5), "critical"),
        (replace(MAJOR, erring=True, lasted_s=1_700.0, share=0.5), "major"),
        (replace(MAJOR, lasted_s=1e6, share=1.0), "major"),
        (replace(MINOR, applications=4), "major"),
        (replace(MINOR, applications=3, operations=19), "minor"),
        (replace(MINOR, operations=20), "major"),
    ],
)
def test_table(breadth: Breadth, expected: Severity) -> None:
    assert incident_severity(breadth, SETTINGS) == expected


@given(
    st.builds(
        Breadth,
        worst=st.sampled_from(("minor", "major")),
        failing=st.booleans(),
        erring=st.booleans(),
        missed=st.booleans(),
        broken=st.integers(0, 10),
        applications=st.integers(1, 10),
        operations=st.integers(1, 100),
        share=st.floats(0, 1),
        lasted_s=st.floats(0, 1e5),
    )
)
def test_more_of_anything_is_never_less_grave(breadth: Breadth) -> None:
    rank = SEVERITIES.index(incident_severity(breadth, SETTINGS))
    for more in (
        replace(breadth, worst="major"),
        replace(breadth, failing=True),
        replace(breadth, missed=True),
        replace(breadth, broken=breadth.broken + 1),
        replace(breadth, applications=breadth.applications + 1),
        replace(breadth, operations=breadth.operations + 1),
        replace(breadth, share=1.0),
        replace(breadth, lasted_s=breadth.lasted_s * 2),
    ):
        assert SEVERITIES.index(incident_severity(more, SETTINGS)) >= rank


@pytest.mark.parametrize(("name", "value"), [("quiet_s", 0.0), ("critical_share", 1.1), ("storm_groups", 1)])
def test_settings_outside_of_their_range_are_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"The setting '{name}' must be from .* Got {value} instead"):
        IncidentSettings(**{name: value})  # type: ignore[arg-type] # the name is a parameter here
