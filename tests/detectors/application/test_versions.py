"""Versions: what takes another one's place is a release, what runs side by side is none."""

import pytest

from tracehound.detectors.application.versions import REMEMBERED_VERSIONS, Versions
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution


def releases(versions: list[str], step_s: float) -> list[int]:
    known, found = Versions(), []
    for number, version in enumerate(versions):
        now = step_s * number, number
        if known.would_release(version, now):
            found.append(number)
        known.note(version, now)
    return found


@pytest.mark.parametrize("step_s", [0.05, 2.0, 60.0])
@pytest.mark.parametrize("count", [3, 20, 200])
def test_versions_side_by_side_are_no_releases(step_s: float, count: int) -> None:
    assert len(releases([f"pod-{number % count}" for number in range(5_000)], step_s)) <= 2


def test_each_deployment_is_one_release_however_long_both_versions_run() -> None:
    versions = [f"v{number // 300 + (number % 300 > 250 and number % 2)}" for number in range(3_000)]
    assert releases(versions, 10.0) == [number * 300 - 49 for number in range(1, 11)]


def test_rare_executions_of_one_version_after_another_are_releases() -> None:
    assert releases(["a", "a", "b", "c", "c", "d"], 86_400.0) == [2, 3, 5]


def test_what_is_remembered_is_bounded_and_goes_on_after_it_was_stored() -> None:
    known = Versions()
    for number in range(1_000):
        known.note(f"v{number}", (float(number), number))
    assert len(known.seen) == REMEMBERED_VERSIONS
    again = Versions()
    again.restore(**known.stored())
    assert again == known
    with pytest.raises(ValueError, match="Versions must be stored once each"):
        again.restore(["a", "a"], None)


def test_a_version_for_each_pod_costs_no_batches_and_hides_no_lasting_change() -> None:
    def given(first: int, count: int, taken_ms: float) -> list[Execution]:
        numbers = range(first, first + count)
        return [
            Execution("shop", "GET /", number * 2.0, taken_ms + number % 7, version=f"pod-{number % 20}")
            for number in numbers
        ]

    scorer = Scorer(DetectionSettings(persist_s=3_600.0), InlineFitter())
    told = scorer.score(given(0, 2_000, 60.0)).model_events + scorer.score(given(2_000, 2_500, 300.0)).model_events
    changes = [event.data.change for event in told]
    assert changes.count("release") <= 2
    assert "new_normal" in changes
