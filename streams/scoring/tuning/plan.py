"""The tasks of a tuning before they are sent, and its best candidate afterwards: the same for all who may start one."""

from collections.abc import Mapping, Sequence

import msgspec

from tracehound.detectors.candidates import with_candidate
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.tuning import TuningResult, TuningTask

LEAST_CPU_S = 0.1
MOST_CPU_S = 3_600.0
"""CPU seconds of one candidate, at least and at most."""


def planned(
    detection: DetectionSettings, whose: TuningTask, tried: Sequence[Mapping[str, float]], budget_cpu_s: float
) -> list[TuningTask]:
    """A task for each candidate, as ``whose`` but for its id, number and settings, with its share of the CPU time.

    Raises:
        ConfigurationError: a candidate is none; the message names setting, rule and value.
    """
    for candidate in tried:
        with_candidate(detection, candidate)
    share = max(LEAST_CPU_S, min(MOST_CPU_S, budget_cpu_s / len(tried)))
    return [
        msgspec.structs.replace(
            whose,
            id=f"{whose.tuning}-{number}",
            number=number,
            settings=dict(candidate),
            most_cpu_s=share,
            candidates=len(tried),
        )
        for number, candidate in enumerate(tried)
    ]


def best_of(results: Sequence[TuningResult]) -> TuningResult | None:
    """Of those that finished, and find no fewer confirmed incidents than the settings as they are (number 0), the one
    with the fewest anomalies outside of them; None where those did not finish.
    """
    usual = next((one for one in results if one.number == 0 and one.state == "done"), None)
    if usual is None:
        return None
    able = [one for one in results if one.state == "done" and one.found >= usual.found]
    return min(able, key=lambda one: (one.outside, -one.found, one.number))
