"""Faults against a real Apache Kafka: whatever happens to workers and brokers, nothing is lost or learned twice."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.broken_protocols import worker
from tests.end_to_end.conftest import wait_until_within
from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.broker import Broker
from tracehound.scripts.soak.campaign import finish, try_fault
from tracehound.scripts.soak.checker import Verdict
from tracehound.scripts.soak.crew import Member
from tracehound.scripts.soak.faults import FAULTS
from tracehound.scripts.soak.reading import ends_and_commits
from tracehound.scripts.soak.scene import Pace, Scene, scene

wait_until = partial(wait_until_within, timeout_s=120.0)

ENOUGH = 3_000
"""Executions in which there is something to be found, however fast all else is."""
SHORT = Pace(rounds=2, pause_s=1.5, away_s=8.0, settle_s=150.0, least=ENOUGH)
FEW = replace(SHORT, rate=200.0, least=1_500)  # the embedded broker keeps 5 MB of a partition only


def of_cluster(cluster: ApacheKafka) -> Broker:
    servers = cluster.bootstrap_servers
    return Broker(servers, "jvm", 3, cluster, {"bootstrap.servers": servers})


def assert_sound(verdict: Verdict) -> None:
    assert verdict.sound, verdict
    assert verdict.executions > 500
    assert verdict.anomalies > 0


@pytest.mark.parametrize(
    "fault",
    [
        "kill_only_worker",
        "kill_one_of_two",
        "rolling_restart",
        "zombie",
        "rebalance_storm",
        "clock_jumps",
        "scoring_raises",
        "helpers_killed",
        "disk_full",
        "hostile_changelog",
    ],
)
def test_nothing_is_lost_and_nothing_learned_twice(fault: str, kafka: Broker, tmp_path: Path) -> None:
    assert_sound(try_fault(FAULTS[fault], kafka, tmp_path, SHORT).verdict)


@pytest.mark.parametrize("fault", ["broker_killed", "all_brokers_away"])
def test_nothing_is_lost_where_brokers_fail(fault: str, kafka_cluster: ApacheKafka, tmp_path: Path) -> None:
    assert_sound(try_fault(FAULTS[fault], of_cluster(kafka_cluster), tmp_path, SHORT).verdict)


def test_nothing_is_lost_where_the_broker_refuses_and_is_late(embedded_kafka: Broker, tmp_path: Path) -> None:
    assert_sound(try_fault(FAULTS["producer_faults"], embedded_kafka, tmp_path, FEW).verdict)


Harm = Callable[[Scene, Member], bool]
"""Whether a broken worker has done what it is broken for."""


def committed(stage: Scene, _: Member, more_than: int = 0) -> bool:
    found = ends_and_commits(stage.broker.bootstrap_servers, stage.group, stage.topics.executions.name)
    return sum(offset for _, offset in found.values()) > more_than


def wrote_states(_: Scene, worker: Member) -> bool:
    return worker.counted("states_written_total") > 10


def after_a_crash_of(name: str, harm: Harm, kafka: Broker, folder: Path, **environment: str) -> Verdict:
    """What is left when a broken worker was killed in the midst of its work and a sound one went on."""
    with scene(kafka, folder, SHORT, workers=0) as stage:
        broken = stage.crew.hire(worker(name), **environment)
        broken.wait_for("worker_ready")
        with stage.feed:
            wait_until(lambda: stage.feed.sent > ENOUGH and harm(stage, broken), "it has done harm")
            broken.kill()
            stage.crew.dismiss(broken)
            stage.crew.hire().wait_for("worker_ready")
            stage.feed.stop()
        return finish(stage)


def test_the_checker_notices_acknowledgements_before_the_state_is_written(kafka: Broker, tmp_path: Path) -> None:
    verdict = after_a_crash_of("acknowledges_first", committed, kafka, tmp_path)
    assert verdict.lost > 0
    assert verdict.learned_twice == 0


def test_the_checker_notices_states_that_know_more_than_they_say(kafka: Broker, tmp_path: Path) -> None:
    verdict = after_a_crash_of(
        "names_an_old_position", wrote_states, kafka, tmp_path, TRACEHOUND_COMMIT_INTERVAL_S="300"
    )
    assert verdict.learned_twice > 0
    assert verdict.lost == 0


def test_the_checker_notices_anomalies_that_were_not_published(kafka: Broker, tmp_path: Path) -> None:
    verdict = after_a_crash_of("publishes_nothing", partial(committed, more_than=ENOUGH), kafka, tmp_path)
    assert verdict.anomalies_missing > 0
    assert (verdict.lost, verdict.learned_twice, verdict.states_differing) == (0, 0, 0)
