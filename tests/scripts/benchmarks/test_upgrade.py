"""Two builds in one group: each worker is of the build that it should be, and nothing is lost on the way."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.checkout import PROJECT
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.benchmarks.builds import HERE, Build
from tracehound.scripts.benchmarks.upgrade import __main__ as command
from tracehound.scripts.benchmarks.upgrade.rolling import Trip, travel
from tracehound.scripts.soak.checker import Verdict
from tracehound.scripts.soak.scene import Pace

SHORT = Pace(rounds=1, pause_s=0.5, settle_s=180.0, least=1_000)


def test_workers_of_another_folder_follow_each_other_and_nothing_is_lost(kafka: Broker, tmp_path: Path) -> None:
    trip = travel(HERE, Build("other", folder=PROJECT), kafka, tmp_path, SHORT, 1)
    assert (trip.before, trip.after) == ("here", "other")
    assert trip.sound
    assert trip.verdict.executions >= 1_000


def test_a_folder_without_a_build_is_told_and_not_passed_over(kafka: Broker, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TracehoundError, match="did not say 'worker_ready'"):
        travel(Build("empty", folder=tmp_path / "empty"), HERE, kafka, tmp_path, replace(SHORT, settle_s=5.0), 1)


def test_what_is_lost_or_repeated_on_any_trip_is_stored_beside_other_figures(tmp_path: Path) -> None:
    file = tmp_path / "operate.json"
    file.write_text(json.dumps({"alerts": 19}))
    trips = [
        Trip("a", "here", Verdict(executions=10, lost=1)),
        Trip("here", "a", Verdict(executions=5, learned_twice=2)),
    ]
    assert [trip.sound for trip in trips] == [False, False]
    command._write(file, "a", trips)
    found = json.loads(file.read_text())
    assert (found["alerts"], found["upgrade_lost"], found["upgrade_repeated"]) == (19, 1, 2)
    assert (found["upgrade_executions"], found["upgrade_trips"], found["upgrade_from"]) == (15, 2, "a")
