"""What can happen to workers, by name: each fault is done to a scene whose workers are busy."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from confluent_kafka import KafkaError

from tracehound.scripts.soak.hostile import write_hostile_states
from tracehound.scripts.soak.scene import SESSION_S, Scene

_PRODUCE, _OFFSET_COMMIT = 0, 8

JUMPING_CLOCK: Final = """
import random, sys, time
from tracehound.streams.scoring.app import build_scoring
from tracehound.streams.settings.settings import load_settings
from tracehound.streams.worker.worker import run_worker
jump = [0.0, 0.0]
def clock():
    now = time.time()
    if now > jump[0]:
        jump[:] = now + 0.5, random.uniform(-86_400.0, 86_400.0)
    return now + jump[1]
sys.exit(run_worker(load_settings(), lambda settings: build_scoring(settings, clock=clock)))
"""
STUMBLING_CORE: Final = """
import sys
from tracehound.detectors.scoring.by_settings import ScorerBySettings
from tracehound.streams.scoring import app
from tracehound.streams.settings.settings import load_settings
from tracehound.streams.worker.worker import run_worker
class Stumbling(ScorerBySettings):
    calls = 0
    def score(self, executions):
        self.calls += 1
        if self.calls % 20 == 7:
            super().score(executions[: len(executions) // 2])
            raise MemoryError("on purpose")
        return super().score(executions)
app.ScorerBySettings = Stumbling
sys.exit(run_worker(load_settings(), app.build_scoring))
"""
"""A worker whose core raises again and again, with half of what it was given learned."""
DISK_OF_150_KB: Final = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
from tracehound.streams.scoring.app import build_scoring
from tracehound.streams.settings.settings import load_settings
from tracehound.streams.worker.worker import run_worker
sys.exit(run_worker(load_settings(), build_scoring))
"""
"""A worker whose files cannot grow beyond 150 kB, as on a disk that is full; so nor can the file of its log."""
_MODEL_MEMORY_MB: Final = 500
_OF_2_GB: Final = 2_000_000_000 / 2**20
"""MB that a worker and its helpers may have in RAM together, which is what the limit of a container counts. What is put
aside and never touched is in no RAM: half of what a bank has that has just grown to twice its size."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    ``act`` does it, with random moments, to ``workers`` workers that are fed meanwhile, and leaves all brokers
    running and at least one worker. ``needs`` says on which kind of broker it can be done; ``mixes`` whether it can
    be one of many in a long soak; ``once`` that one run of it is long enough.
    """

    name: str
    sentence: str
    workers: int
    act: Callable[[Scene], None]
    needs: Literal["kafka", "cluster", "embedded"] = "kafka"
    mixes: bool = True
    once: bool = False


def kill_only_worker(scene: Scene) -> None:
    """Kill -9 at random moments; the next one starts at once."""
    for _ in range(scene.pace.rounds):
        scene.pause()
        for member in list(scene.crew.members):
            scene.crew.replace(member)
        scene.crew.wait_until_ready()


def kill_one_of_two(scene: Scene) -> None:
    """Kill -9 one of several, at random moments; the others take over until it is back."""
    for _ in range(scene.pace.rounds):
        scene.pause()
        scene.crew.replace(scene.chance.choice(scene.crew.members))
        scene.crew.wait_until_ready()


def kill_while_starting(scene: Scene) -> None:
    """Kill -9 a worker again and again before and just after it has loaded its states."""
    for _ in range(scene.pace.rounds):
        member = scene.crew.hire()
        time.sleep(scene.chance.uniform(0.5, 5.0))
        member.kill()
        scene.crew.dismiss(member)


def rolling_restart(scene: Scene) -> None:
    """SIGTERM every worker in turn, each followed by another, as an upgrade does."""
    for member in list(scene.crew.members):
        scene.pause()
        assert member.stop() == 0, member.end_of_log()
        scene.crew.dismiss(member)
        scene.crew.hire().wait_for("worker_ready")


def zombie(scene: Scene) -> None:
    """SIGSTOP one worker for longer than its session, so that the others take over; then it wakes up."""
    scene.pause()
    member = scene.chance.choice(scene.crew.members)
    member.signal(signal.SIGSTOP)
    time.sleep(SESSION_S + 4.0)
    member.signal(signal.SIGCONT)
    scene.pause()


def rebalance_storm(scene: Scene) -> None:
    """Further workers join and leave every few seconds, some cleanly and some not."""
    for _ in range(scene.pace.rounds):
        member = scene.crew.hire()
        member.wait_for("worker_ready")
        scene.pause(1.0)
        if scene.chance.random() < 0.5:
            member.kill()
        else:
            assert member.stop() == 0, member.end_of_log()
        scene.crew.dismiss(member)


def broker_killed(scene: Scene) -> None:
    """Kill -9 one broker of three: its partitions get other leaders. Then it is back."""
    scene.pause()
    broker = scene.chance.choice(sorted(scene.cluster.pids))
    scene.cluster.kill_broker(broker)
    time.sleep(scene.pace.away_s)
    scene.cluster.start_broker(broker)


def all_brokers_away(scene: Scene) -> None:
    """Kill -9 all brokers, and start them again after a while."""
    scene.pause()
    brokers = sorted(scene.cluster.pids)
    for broker in brokers:
        scene.cluster.kill_broker(broker)
    time.sleep(scene.pace.away_s)
    scene.cluster.start_broker(*brokers)


def producer_faults(scene: Scene) -> None:
    """Refused and late acknowledgements, refused commits, and a kill -9 at the end."""
    errors = [KafkaError.REQUEST_TIMED_OUT, KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.NOT_ENOUGH_REPLICAS]
    for _ in range(scene.pace.rounds):
        scene.embedded.set_round_trip_time(scene.chance.choice([50, 200, 500]))
        scene.embedded.fail_requests(_PRODUCE, [scene.chance.choice([0, *errors]) for _ in range(20)])
        scene.embedded.fail_requests(_OFFSET_COMMIT, [KafkaError.REQUEST_TIMED_OUT] * 2)
        scene.pause()
    scene.embedded.set_round_trip_time(0)
    for key in (_PRODUCE, _OFFSET_COMMIT):
        scene.embedded.clear_failures(key)
    for member in list(scene.crew.members):
        scene.crew.replace(member)
    scene.crew.wait_until_ready()


def clock_jumps(scene: Scene) -> None:
    """Workers whose wall clocks jump by up to a day, forwards and backwards, killed -9 after a while."""
    for member in list(scene.crew.members):
        member.kill()
        scene.crew.dismiss(member)
        scene.crew.hire(JUMPING_CLOCK)
    scene.crew.wait_until_ready()
    scene.pause()
    for member in list(scene.crew.members):
        scene.crew.replace(member)
    scene.crew.wait_until_ready()


def scoring_raises(scene: Scene) -> None:
    """Workers whose scoring raises again and again in the midst of what it learns; then kill -9."""
    for member in list(scene.crew.members):
        member.kill()
        scene.crew.dismiss(member)
        scene.crew.hire(STUMBLING_CORE)
    scene.crew.wait_until_ready()
    for member in list(scene.crew.members):
        deadline_s = time.monotonic() + scene.pace.settle_s
        while member.counted("scoring_begun_anew_total") < scene.pace.rounds:
            assert time.monotonic() < deadline_s, "scoring did not raise"
            scene.pause()
        scene.crew.replace(member)
    scene.crew.wait_until_ready()


def helpers_killed(scene: Scene) -> None:
    """Kill -9 the processes that refit models, as where memory is short, until they were replaced some times."""
    for member in scene.crew.members:
        deadline_s = time.monotonic() + scene.pace.settle_s
        while member.counted("fit_helpers_replaced_total") < scene.pace.rounds:
            assert time.monotonic() < deadline_s, "no helper was replaced: were there any refits?"
            for helper in member.helpers():
                with suppress(ProcessLookupError):
                    os.kill(helper, signal.SIGKILL)
            scene.pause()
        assert member.runs, member.end_of_log()


def disk_full(scene: Scene) -> None:
    """The folder for model states is full, or no folder: the worker ends and says why; another goes on elsewhere."""
    for member in list(scene.crew.members):
        member.kill()
        scene.crew.dismiss(member)
    states = scene.folder / "states"
    no_folder = scene.folder / "no-folder"
    no_folder.touch()
    for member in (
        scene.crew.hire(DISK_OF_150_KB, TRACEHOUND_STATE_DIR=str(states), TRACEHOUND_LOG_LEVEL="error"),
        scene.crew.hire(TRACEHOUND_STATE_DIR=str(no_folder / "states")),
    ):
        status = member.wait(scene.pace.settle_s)
        sentence = str((member.said("worker_failed") or {}).get("sentence"))
        assert status == 1, f"status {status}: {member.end_of_log()}"
        assert "state_dir" in sentence, member.end_of_log()
        scene.crew.dismiss(member)
    scene.crew.hire(TRACEHOUND_STATE_DIR=str(states)).wait_for("worker_ready")


def hostile_changelog(scene: Scene) -> None:
    """Random bytes, a pickle, a torn piece and other applications' states among the states; then kill -9."""
    for _ in range(scene.pace.rounds):
        scene.pause()
        write_hostile_states(scene.broker.bootstrap_servers, scene.topics, scene.folder / "by-a-pickle", scene.chance)
        for member in list(scene.crew.members):
            scene.crew.replace(member)
        scene.crew.wait_until_ready()
        assert not (scene.folder / "by-a-pickle").exists(), "code from the topic was run"


def fuzzed_in_2_gb(scene: Scene) -> None:
    """Strangers send what a fuzzer and ill will think of to a worker of 2 GB, 200 records and 500 kB a second."""
    for member in list(scene.crew.members):
        member.kill()
        scene.crew.dismiss(member)
    member = scene.crew.hire(TRACEHOUND_MODEL_MEMORY_MB=str(_MODEL_MEMORY_MB))
    scene.crew.wait_until_ready()
    scene.judged = scene.feed.applications  # of others some are forgotten, as they should be
    ends_s, peak_mb = time.monotonic() + scene.pace.fuzzed_s, 0.0
    with scene.strangers() as strangers:
        while time.monotonic() < ends_s or not strangers.rounds:
            time.sleep(0.5)
            strangers.check()
            scene.crew.check()
            peak_mb = max(peak_mb, member.peak_mb())
            assert peak_mb <= _OF_2_GB, f"{peak_mb:.0f} MB"
    assert not member.counted("scoring_begun_anew_total"), member.end_of_log()
    scene.measured |= {"seconds": round(scene.pace.fuzzed_s), "strange": strangers.sent, "peak_mb": round(peak_mb)}


def _fault(
    act: Callable[[Scene], None],
    workers: int,
    needs: Literal["kafka", "cluster", "embedded"] = "kafka",
    mixes: bool = True,
    once: bool = False,
) -> Fault:
    return Fault(act.__name__, (act.__doc__ or "").strip(), workers, act, needs, mixes, once)


FAULTS: Final = {
    fault.name: fault
    for fault in (
        _fault(kill_only_worker, 1),
        _fault(kill_one_of_two, 2),
        _fault(kill_while_starting, 1),
        _fault(rolling_restart, 2),
        _fault(zombie, 2),
        _fault(rebalance_storm, 2),
        _fault(broker_killed, 2, "cluster"),
        _fault(all_brokers_away, 2, "cluster"),
        _fault(producer_faults, 1, "embedded", mixes=False),
        _fault(clock_jumps, 1, mixes=False),
        _fault(scoring_raises, 1, mixes=False),
        _fault(helpers_killed, 1, mixes=False),
        _fault(disk_full, 1, mixes=False),
        _fault(hostile_changelog, 1),
        _fault(fuzzed_in_2_gb, 1, mixes=False, once=True),
    )
}
