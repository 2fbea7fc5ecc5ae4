"""From executions to incidents on Apache Kafka: ten faults, a day without one, and a storm."""

import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.end_to_end.conftest import PARTITIONS, wait_until_within
from tests.end_to_end.driven_clock import DrivenClock
from tests.end_to_end.incident_stage import Stage, by_id
from tests.end_to_end.moments import ago
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import Severity
from tracehound.schemas.execution import Execution, epoch_seconds
from tracehound.schemas.incident import Incident, IncidentEvent
from tracehound.schemas.incident_input import decode_input
from tracehound.scripts.recorded.sending import ExecutionSender, connect
from tracehound.scripts.simulator.afflicted import NEXT_VERSION
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import SCENARIOS, Fault, FaultName
from tracehound.scripts.simulator.feed import Feed
from tracehound.scripts.simulator.simulation import Simulation, even_traffic
from tracehound.scripts.simulator.trial import DAY_S, FAULT_S, PAUSE_S

ON_APACHE_KAFKA = pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
SOON = IncidentSettings(quiet_s=45.0, grace_s=0.0, join_s=60.0)
"""Faults come two minutes after each other here: what has ended must be over by then."""
WAIT_S, POLL_S = 300.0, 0.01
ON_THE_WAY = 4_000

BEGIN_S, HISTORY_S, RATE = 1_700_000_100.0, 1_511.0, 80.0
"""Always the same course; its first fault does not begin where windows of time do."""
STEP_S = 3.0
AT_EACH_STEP = {"TRACEHOUND_PROGRESS_INTERVAL_S": "0.02", "TRACEHOUND_SILENCE_INTERVAL_S": "0.01"}
"""Seconds of the applications pass in a few hundredths of one: as often progress is told and silence looked for."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault, and what its incident must say in the end: ``causes`` names the first suspects that are right, and
    ``suspected`` one that must be the first or the second."""

    name: FaultName
    application: str
    effect: float
    severities: tuple[Severity, ...]
    causes: tuple[str, ...]
    operation: str | None = None
    peer: str | None = None
    step: str | None = None
    suspected: str = ""

    def fault(self, start_s: float) -> Fault:
        return Fault(self.name, self.application, start_s, FAULT_S, self.effect, self.operation, self.peer, self.step)


TEN: Final = (
    Scenario("error_burst", "cart", 0.5, ("critical",), ("cart",)),
    Scenario("silence", "payment", 1.0, ("critical",), ("payment",)),
    Scenario("network_delay", "gateway", 150.0, ("major",), ("gateway", "catalog"), peer="catalog"),
    Scenario("n_plus_one", "catalog", 30.0, ("major",), ("catalog",), "GET /products/{id}", "catalog-db"),
    Scenario(
        "slow_dependency", "orders", 8.0, ("major",), ("orders", "orders-db"), peer="orders-db", suspected="orders-db"
    ),
    Scenario("new_release", "users", 3.0, ("major",), ("users",)),
    Scenario("lost_call", "gateway", 0.9, ("minor",), ("gateway",), "GET /cart", "users", "GET /session"),
    Scenario("new_error_type", "catalog", 0.05, ("minor", "major"), ("catalog",)),
    Scenario("traffic_surge", "cart", 5.0, ("minor", "major"), ("cart",)),
    Scenario("saturation", "orders", 1.3, ("major", "critical"), ("orders",)),  # critical once its callers break too
)


class Chain:
    """Applications, a scoring worker and a worker of incidents, with a broker between them."""

    def __init__(self, stage: Stage, worker: Callable[..., Any]) -> None:
        self.stage = stage
        self._worker = worker
        topic = stage.field.topics.executions
        producer = connect({**stage.field.broker.client_config, "linger.ms": 5}, topic)
        self.sender = ExecutionSender(producer, topic, batch=20)
        self.scoring: Any = None
        self.incidents: Any = None

    def start(self, settings: Mapping[str, str] | None = None, **more: Any) -> None:
        """Start both workers, the scoring one with ``settings`` beside those of the field."""
        self.scoring = self._worker({**self.stage.field.environment, **(settings or {})}, **more)
        self.start_incidents()
        for one in (self.scoring, self.incidents):
            one.wait_for("worker_ready", WAIT_S)

    def start_incidents(self) -> None:
        """Start the worker of incidents, without waiting for it."""
        names = ("quiet_s", "grace_s", "join_s")
        self.incidents = self.stage.start({f"TRACEHOUND_INCIDENTS__{n.upper()}": str(getattr(SOON, n)) for n in names})

    def keep_up(self, sent: int, on_the_way: int = ON_THE_WAY) -> None:
        """Wait until all but so many of the executions sent have been scored."""
        self.sender.flush()
        scored = "executions_total"
        wait_until_within(
            lambda: sent - self.scoring.counted(scored) <= on_the_way, "executions are scored", WAIT_S, POLL_S
        )

    def let_pass(self, clock: DrivenClock, feed: Feed, now_s: float) -> None:
        """Let it be ``now_s``, with all scored that has ended by then, and have silence looked for everywhere."""
        feed.advance(now_s)
        self.keep_up(feed.sent, 0)
        clock.set(now_s)
        before = self.looks()

        def looked() -> bool:
            """One look may have been under way, and not have seen what time it is."""
            looks = self.looks()
            return len(looks) == PARTITIONS and all(looks[one] >= before.get(one, 0.0) + 2.0 for one in looks)

        wait_until_within(looked, "silence was looked for", WAIT_S, POLL_S)

    def looks(self) -> dict[str, float]:
        """How often silence was looked for, by partition."""
        found: dict[str, float] = self.scoring.counts("silence_looks_total")
        return found

    def kill_incidents(self) -> bool:
        """Kill the worker of incidents and start another, if there is anything that it took and has not saved."""
        self.incidents.wait_for("worker_ready", WAIT_S)
        self.incidents.signal(signal.SIGSTOP)
        if self.stage.committed() >= self.stage.offered(self.stage.field.topics.incident_input):
            self.incidents.signal(signal.SIGCONT)
            return False
        self.incidents.kill()
        self.start_incidents()
        return True

    def end(self, sent: int) -> list[IncidentEvent]:
        """Let everything come through, and end both workers: what was told, which follows from the input alone."""
        self.sender.close()
        self.keep_up(sent, 0)
        assert self.scoring.end() == 0
        stage, topics = self.stage, self.stage.field.topics
        offered = stage.offered(topics.incident_input)
        wait_until_within(lambda: stage.committed() == offered, "incidents have seen everything", WAIT_S)
        assert self.incidents.end() == 0
        inputs = stage.field.read(topics.incident_input.name, lambda found: len(found) == offered, WAIT_S)
        events = stage.offered(topics.severity)
        told = by_id(stage.told(lambda found: len(found) == events))
        book = IncidentBook(SOON)
        expected = [event for record in inputs for event in book.take(decode_input(record.value()))]
        assert told == by_id(expected)
        return expected


@pytest.fixture
def chain(field: Any, worker: Callable[..., Any]) -> Chain:
    return Chain(Stage(field, worker), worker)


def incidents_of(events: list[IncidentEvent], start_s: float, end_s: float) -> list[list[Incident]]:
    """Each incident that was opened in [``start_s``, ``end_s``), event by event."""
    opened = [e.subject for e in events if e.data.revision == 1 and start_s <= epoch_seconds(e.data.opened_at) < end_s]
    return [[event.data for event in events if event.subject == subject] for subject in opened]


@pytest.mark.timeout(1_800)  # a minute of both cores, and as long as it takes where others use them
@ON_APACHE_KAFKA
def test_ten_faults_are_ten_incidents_whatever_happens_to_the_worker_of_incidents(chain: Chain, tmp_path: Path) -> None:
    assert {one.name for one in TEN} == set(SCENARIOS)
    clock = DrivenClock(tmp_path / "clock", BEGIN_S + HISTORY_S)
    chain.start(AT_EACH_STEP, code=clock.worker)
    simulation = Simulation(build_system(seed=1), 1, RATE, BEGIN_S, even_traffic)
    feed = Feed(simulation, chain.sender)
    now_s = feed.catch_up(BEGIN_S, clock, lambda _: chain.keep_up(feed.sent))
    faults = [one.fault(clock() + number * (FAULT_S + PAUSE_S)) for number, one in enumerate(TEN)]
    for fault in faults:
        simulation.inject(fault)
    kills = [fault.start_s + 40.0 for fault in faults[1::3]]
    while now_s < faults[-1].end_s + PAUSE_S:
        now_s += STEP_S
        chain.let_pass(clock, feed, now_s)
        if kills and now_s > kills[0] and chain.kill_incidents():
            del kills[0]
    assert kills == []
    told = chain.end(feed.sent)

    assert incidents_of(told, 0.0, faults[0].start_s) == []
    wrong = []
    for scenario, fault in zip(TEN, faults, strict=True):
        found = incidents_of(told, fault.start_s, fault.end_s + PAUSE_S)
        problems = [problem for story in found for problem in problems_of(scenario, story)]
        if len(found) != 1 or problems:
            said = [[(one.revision, one.state, one.severity, one.summary) for one in story] for story in found]
            wrong.append(f"{fault.describe()}: {len(found)} incidents, {problems}: {said}")
    assert wrong == []
    assert len({event.subject for event in told}) == len(TEN)


def problems_of(scenario: Scenario, story: list[Incident]) -> Iterator[str]:
    """What is wrong with the incident of a fault."""
    last = story[-1]
    if [one.revision for one in story] != list(range(1, len(story) + 1)) or len(story) > 6:
        yield f"its revisions are {[one.revision for one in story]}"
    if (story[0].state, last.state) != ("open", "resolved") or last.resolved_at is None:
        yield f"its states are {[one.state for one in story]}"
    if last.severity not in scenario.severities:
        yield f"it is {last.severity}"
    if scenario.application not in last.applications:
        yield f"it concerns {last.applications}"
    suspects = [one.application for one in (last.suspected_cause, last.runner_up) if one is not None]
    if not suspects or suspects[0] not in scenario.causes or scenario.suspected not in (*suspects, ""):
        yield f"it suspects {suspects}"
    released = {(one.application, one.version) for one in last.releases}
    if scenario.name == "new_release" and (scenario.application, NEXT_VERSION) not in released:
        yield f"it lists the releases {released}"


@ON_APACHE_KAFKA
def test_a_day_without_a_fault_has_no_more_incidents_than_the_budget(chain: Chain) -> None:
    start_s = (time.time() // DAY_S - 2) * DAY_S  # the same course on each day that it is run
    system = build_system(seed=7)
    chain.start()
    feed = Feed(Simulation(system, 7, 2.0, start_s, strain=0.2), chain.sender)
    for step in range(1, 289):
        feed.advance(start_s + step * DAY_S / 288)
        chain.keep_up(feed.sent, 500)
    told = chain.end(feed.sent)

    assert feed.sent > 150_000
    assert len({event.subject for event in told}) <= DetectionSettings().alarm_budget * len(system.applications)


@ON_APACHE_KAFKA
def test_a_storm_of_a_thousand_operations_is_three_messages_at_most(chain: Chain) -> None:
    start_s, operations, rate = ago(10_000), 1_000, 100
    draw = random.Random(3)
    # Hundreds of the application's seconds pass in a real one, in which progress is told.
    chain.start({"TRACEHOUND_PROGRESS_INTERVAL_S": "0.02"})
    # An operation deviates twelve times: of six, all that is found hangs by what calibration has seen before.
    usual_s, storm_s, after_s = 800, 120, 200
    for number in range((usual_s + storm_s + after_s) * rate):
        after = number / rate
        slow = 8.0 if usual_s <= after < usual_s + storm_s else 1.0
        name = "GET /" + "".join("abcdefghij"[int(digit)] for digit in str(number * 7 % operations))
        duration_ms = slow * 50.0 * draw.lognormvariate(0, 0.2)
        chain.sender.send(Execution("monolith", name, start_s + after, duration_ms, trace_id=f"{number}"))
        if number % 1_000 == 999:
            chain.keep_up(number + 1)
    told = chain.end((usual_s + storm_s + after_s) * rate)

    assert 2 <= len(told) <= 3, [(event.type, event.data.summary, event.data.reason) for event in told]
    assert len({event.subject for event in told}) == 1
    last = told[-1].data
    assert (last.state, last.severity) == ("resolved", "major")
    assert last.operation_count >= 500
    assert len(last.operations) < 100
