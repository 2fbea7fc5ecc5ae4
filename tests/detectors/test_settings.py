"""What the settings of detection accept can be built: nothing wrong is found out later, without the setting's name."""

import random
from dataclasses import fields
from typing import Any

import pytest

from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.settings import DetectionSettings

RANGES = {one.name: one.metadata for one in fields(DetectionSettings) if "low" in one.metadata}


def build(**given: Any) -> str:
    """Builds all detectors; why the settings were refused, or nothing."""
    try:
        settings = DetectionSettings(**given)
    except ValueError as refused:
        return str(refused)
    Ensemble(settings)
    return ""


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("end", ["low", "high"])
def test_the_ends_of_every_range_are_built_or_refused_by_name(name: str, end: str) -> None:
    refused = build(**{name: RANGES[name][end]})
    assert not refused or f"'{name}'" in refused


def test_ends_together_are_built_or_refused_by_name() -> None:
    draw, built = random.Random(1), 0
    for _ in range(300):
        refused = build(**{name: RANGES[name][draw.choice(("low", "high"))] for name in draw.sample(list(RANGES), 6)})
        assert not refused or refused.startswith("The setting '")
        built += not refused
    assert 30 < built < 300


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"least_sigma": 9.0}, "The setting 'major_sigma' must be at least 'least_sigma'. Got 8.0 and 9.0 instead."),
        (
            {"least_sigma": 7.0},
            "The setting 'certain_gap_sigma' must be at least 'least_sigma'. Got 6.0 and 7.0 instead.",
        ),
        ({"lateness_s": 31.0}, "The setting 'window_s' must be at least 'lateness_s'. Got 30.0 and 31.0 instead."),
    ],
)
def test_settings_that_contradict_each_other_are_named_both_with_their_values(
    given: dict[str, float], refused: str
) -> None:
    assert build(**given) == refused
