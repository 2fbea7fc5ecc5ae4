"""What is told of releases: bad ones soon, slow beginnings once, and what they brought is the new normal."""

import msgspec
import pytest

from tests.detectors.scoring.shop import changed, events, scorer, slowed, workload
from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import rfc3339


def release(found: Scorer, version: str, start: float, milliseconds: float, seed: int) -> list[tuple[str, str, str]]:
    given = slowed(workload("shop", 600, seed=seed, start=start), milliseconds, version=version)
    return [(one.data.change, one.data.operation, one.data.model) for one in found.score(given).model_events]


def test_what_a_release_brought_is_soon_normal_and_both_is_told() -> None:
    found = scorer()
    found.score(changed(workload("shop", 2_000), version="1"))
    told = release(found, "2", 2_000.0, 300.0, seed=2)
    assert told[0] == ("release", "", "rank-ewma-chart")
    operations = {f"GET /{i}" for i in range(2)}
    assert {operation for change, operation, _ in told if change == "new_normal"} == operations
    assert {model for change, _, model in told if change == "new_normal"} <= {
        "rank-ewma-chart self_ms",
        "rank-ewma-chart local_ms",
    }
    later = changed(slowed(workload("shop", 600, seed=3, start=2_600.0), 300.0), version="2")
    assert [event for event in events(found, later) if event.data.kind == "latency"] == []


def test_a_release_that_changes_nothing_is_told_alone_and_a_version_is_new_once() -> None:
    found = scorer()
    found.score(changed(workload("shop", 1_000), version="1"))
    assert [change for change, _, _ in release(found, "2", 1_000.0, 0.0, seed=2)].count("release") == 1
    assert [change for change, _, _ in release(found, "1", 1_600.0, 0.0, seed=3)].count("release") == 0


def test_a_release_does_not_excuse_what_was_slow_before_it() -> None:
    """A fault is five minutes old when a version comes that does not mend it."""
    found = scorer()
    found.score(changed(workload("shop", 2_000), version="1"))
    found.score(slowed(workload("shop", 300, seed=2, start=2_000.0), 300.0, version="1"))
    told = release(found, "2", 2_300.0, 300.0, seed=4)
    assert [change for change, _, _ in told if change in ("release", "new_normal")] == ["release"]


def latency(told: list[AnomalyEvent]) -> list[str]:
    return [event.time for event in told if event.data.kind == "latency"]


def opened_slowly(found: Scorer, start: float, version: str) -> list[str]:
    """What is told of a release whose first executions are slow for two and a half minutes."""
    cold = slowed(workload("shop", 150, seed=2, start=start), 300.0, version=version)
    warm = changed(workload("shop", 2_550, seed=3, start=start + 150.0), version=version)
    return latency(events(found, [*cold, *warm]))


def test_slow_first_executions_are_told_once_and_belong_to_later_releases_unless_they_last() -> None:
    found = scorer()
    found.score(changed(workload("shop", 2_000), version="1"))
    assert rfc3339(2_000.0) <= opened_slowly(found, 2_000.0, "2")[0] <= rfc3339(2_045.0)
    state = found.snapshot(("shop", ""))
    found = scorer()
    found.restore(state)
    assert opened_slowly(found, 4_700.0, "3") == []
    assert opened_slowly(found, 7_400.0, "4") == []
    bad = slowed(workload("shop", 600, seed=4, start=10_100.0), 300.0, version="5")
    told = latency(events(found, bad))
    assert rfc3339(10_270.0) <= told[0] <= rfc3339(10_295.0)


def test_a_bad_release_is_told_soon_where_releases_begin_fast() -> None:
    found = scorer()
    found.score(changed(workload("shop", 2_000), version="1"))
    found.score(changed(workload("shop", 1_000, seed=2, start=2_000.0), version="2"))
    bad = slowed(workload("shop", 600, seed=3, start=3_000.0), 300.0, version="3")
    assert latency(events(found, bad))[0] <= rfc3339(3_045.0)


@pytest.mark.parametrize(
    ("slow_s", "next_s", "slowly"),
    [(1_100.0, 9_000.0, True), (1_179.0, 1_200.0, True), (1_180.0, 9_000.0, False), (900.0, 9_000.0, False)],
)
def test_what_was_slow_for_the_patience_only_is_expected_of_releases_for_a_week(
    slow_s: float, next_s: float, slowly: bool
) -> None:
    application = ApplicationModels(("shop", ""), 0, next_refit=0, next_stop=0)
    application.begin_release(1_000.0, 180.0)
    assert not application.opens_slowly(application.release_s)
    application.slow_s = slow_s
    application.begin_release(next_s, 180.0)
    assert application.opens_slowly(application.release_s) == slowly
    application.begin_release(1_000.0 + 8 * 86_400.0, 180.0)
    assert not application.opens_slowly(application.release_s)


def test_a_fault_is_told_although_a_version_comes_just_then() -> None:
    found = scorer()
    found.score(changed(workload("shop", 2_000), version="1"))
    slow = slowed(workload("shop", 120, seed=2, start=2_000.0), 300.0)
    every = [msgspec.structs.replace(one, version=f"2.{number // 20}") for number, one in enumerate(slow)]
    told = [event.time for event in events(found, every) if event.data.kind == "latency"]
    assert told[0] <= rfc3339(2_045.0)


@pytest.mark.parametrize("ahead_s", [0.0, 86_400.0, 1e9])
def test_what_a_release_brought_is_soon_normal_also_where_its_first_clock_was_ahead(ahead_s: float) -> None:
    found = scorer()
    found.score(changed(workload("shop", 2_000), version="1"))
    found.score(changed(workload("shop", 1, seed=5, start=2_000.0 + ahead_s), version="2"))
    told = release(found, "2", 2_001.0, 300.0, seed=2)
    assert {operation for change, operation, _ in told if change == "new_normal"} == {f"GET /{i}" for i in range(2)}
