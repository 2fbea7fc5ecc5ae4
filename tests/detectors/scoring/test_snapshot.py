"""Snapshots of applications: damage is noticed, and what does not fit leaves nothing behind."""

import numpy as np
import pytest

from tests.detectors.damage import changes
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.codec import encode
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import Execution, ExecutionFailure, Segment
from tracehound.schemas.feedback import Lesson, Pattern

SHOP = ("shop", "")


def scorer() -> Scorer:
    return Scorer(DetectionSettings(), InlineFitter())


@pytest.fixture(scope="module")
def snapshot() -> bytes:
    made = scorer()
    call = Segment("GET /stock", 9.0, "http", 0.0, peer="stock", remote_ms=6.0)
    made.score([Execution("shop", f"GET /{i % 2}", float(i), 20.0 + i % 5, segments=[call]) for i in range(100)])
    return made.snapshot(SHOP)


@pytest.mark.parametrize("damage", [b"", b"THS", b"nonsense" * 20])
def test_what_is_no_snapshot_is_refused_and_leaves_nothing(damage: bytes) -> None:
    found = scorer()
    with pytest.raises(SnapshotError):
        found.restore(damage)
    assert found.applications() == []


def test_every_flipped_byte_is_noticed(snapshot: bytes) -> None:
    found = scorer()
    for position in range(0, len(snapshot), max(1, len(snapshot) // 200)):
        flipped = snapshot[:position] + bytes([snapshot[position] ^ 0x55]) + snapshot[position + 1 :]
        with pytest.raises(SnapshotError):
            found.restore(flipped)
    assert found.applications() == []


@pytest.mark.parametrize("part", ["numbers", "banks", "silence", "refits", "published", "calls", "operations", "key"])
def test_a_missing_part_is_refused_and_leaves_nothing(snapshot: bytes, part: str) -> None:
    state = unpack(snapshot)
    del state[part]
    found = scorer()
    with pytest.raises(SnapshotError):
        found.restore(pack(state))
    assert found.applications() == []
    assert found.statistics()["operations"] == 0


@pytest.mark.parametrize("part", ["charts", "exposure", "error_types", "windows", "calibration"])
def test_a_detector_without_its_state_is_refused(snapshot: bytes, part: str) -> None:
    state = unpack(snapshot)
    del state["banks"][part]
    with pytest.raises(SnapshotError, match="does not fit"):
        scorer().restore(pack(state))


def test_a_refused_snapshot_takes_nothing_from_others(snapshot: bytes) -> None:
    found = scorer()
    found.restore(snapshot)
    state = unpack(snapshot)
    state["key"] = ["other", ""]
    del state["silence"]
    with pytest.raises(SnapshotError):
        found.restore(pack(state))
    assert found.applications() == [SHOP]
    assert found.snapshot(SHOP) == snapshot


def test_operations_in_places_of_a_refused_state_take_nothing_from_others(snapshot: bytes) -> None:
    found, damaged = scorer(), unpack(snapshot)
    found.restore(snapshot)
    damaged["key"] = ["other", ""]
    del damaged["banks"]["calibration"]  # which is looked for once its operations have their places
    with pytest.raises(SnapshotError):
        found.restore(pack(damaged))
    found.score([Execution("third", f"GET /{i % 4}", float(i), 20.0) for i in range(8)])
    assert found.snapshot(SHOP) == snapshot


def test_an_application_without_models_has_no_snapshot() -> None:
    with pytest.raises(KeyError):
        scorer().snapshot(SHOP)


def test_a_snapshot_of_another_application_than_wanted_changes_nothing(snapshot: bytes) -> None:
    found = scorer()
    found.restore(snapshot)
    kept = {key: found.snapshot(key) for key in found.applications()}
    with pytest.raises(SnapshotError, match="that of 'bank'"):
        found.restore(snapshot, ("bank", ""))
    assert {key: found.snapshot(key) for key in found.applications()} == kept


def full() -> Scorer:
    """A scorer of one application that has some of everything that a state holds."""
    made = Scorer(DetectionSettings(first_refit=64, refit_delay=64), InlineFitter())
    random = np.random.default_rng(4)
    for first in range(0, 900, 300):
        made.score([execution(number, random) for number in range(first, first + 300)])
    pattern = Pattern("latency", "self_ms", "rank-ewma-chart", "GET /0", size=1.0, at_s=400.0)
    made.heed(SHOP, Lesson("anomaly-1", "false_positive", 500.0, [pattern]))
    made.refit(SHOP)
    made.score([execution(number, random) for number in range(900, 930)])
    return made


def test_a_state_is_taken_back_whole_where_another_application_was(snapshot: bytes) -> None:
    found = full()
    found.forget(SHOP)
    found.restore(snapshot)
    assert found.snapshot(SHOP) == snapshot


def execution(number: int, random: np.random.Generator) -> Execution:
    slow = 40.0 if 600 <= number < 620 else 1.0
    call = Segment("GET /stock", 9.0 + random.random(), "http", 0.0, peer="stock", remote_ms=6.0)
    query = Segment("SELECT", slow * random.uniform(1.0, 2.0), "db", 10.0, peer="db")
    failed = ExecutionFailure("TimeoutError") if number % 40 == 3 else None
    return Execution(
        *("shop", f"GET /{number % 2}", float(number), 20.0 + slow * random.uniform(1.0, 3.0)),
        version=f"{number // 500}",
        memory_peak_mb=100.0 + random.random(),
        error=failed,
        segments=[call, query] if number % 7 else [call],
    )


def test_a_state_with_a_number_changed_is_refused_or_scores_on() -> None:
    taken, found, refused, accepted = unpack(full().snapshot(SHOP)), scorer(), 0, 0
    random = np.random.default_rng(5)
    coming = [execution(number, random) for number in range(930, 990)]
    for path, change, damaged in changes(taken):
        try:
            found.restore(pack(damaged))
        except SnapshotError:
            refused += 1
            continue
        except (TypeError, OverflowError):  # it cannot even be written
            continue
        accepted += 1
        scored = found.score(coming)
        assert np.isfinite(scored.score).all(), f"{path} = {change!r:.200} makes scores that are no numbers."
        for _, anomaly in scored.anomalies:
            encode(anomaly)
        found.judge_silence(5_000.0, [SHOP])
        found.restore(found.snapshot(SHOP))
        found.forget(SHOP)
    assert refused > accepted > 0


def test_the_longest_names_that_are_taken_are_saved_and_taken_back() -> None:
    made = scorer()
    long = "x" * 990
    for first in range(0, 2_000, 500):
        executions = [
            Execution(
                "shop",
                f"{long}{number % 40}",
                float(number),
                20.0,
                version=f"{long}{number}",
                segments=[Segment(f"{long}{number}", 9.0, "http", 0.0, peer=f"{long}{number}", remote_ms=6.0)],
            )
            for number in range(first, first + 500)
        ]
        made.score(executions)
    taken = made.snapshot(SHOP)
    restored = scorer()
    restored.restore(taken)
    assert restored.snapshot(SHOP) == taken
