"""The command `demo`: broker, workers and simulated applications in one, with faults injected before your eyes."""

import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import Literal, NoReturn, cast
from uuid import uuid4

import click
from rich.console import Console
from rich.text import Text

from tracehound.infra.kafka.broker import Broker, broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.infra.kafka.removal import remove_groups, remove_topics
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.incident import IncidentEvent
from tracehound.scripts.commands.compiling import compile_first
from tracehound.scripts.commands.demo_console import LOG_EVENTS, console_groups, started_console
from tracehound.scripts.commands.demo_view import DemoState, DemoView
from tracehound.scripts.commands.listening import Listening
from tracehound.scripts.commands.worker_process import WorkerProcess
from tracehound.scripts.kafka.clients import admin_config, producer_config
from tracehound.scripts.recorded.http_sending import GatewaySender
from tracehound.scripts.recorded.sending import ExecutionSender, Sender, connect
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import Fault, FaultName
from tracehound.scripts.simulator.feed import Feed
from tracehound.scripts.simulator.judge import judge
from tracehound.scripts.simulator.plan import FaultPlan, now_and_then
from tracehound.scripts.simulator.simulation import Simulation, even_traffic
from tracehound.scripts.simulator.truth import Truth, truth_of
from tracehound.streams.settings.settings import Settings, load_settings

RATE = 100.0
HISTORY_S = 600.0
PARTITIONS = 6
TICK_S = 0.1
SHOW_EVERY_S = 0.25
START_TIMEOUT_S = 180.0
_QUIET_FOR_S = 1.0
ON_THE_WAY = 6_000
"""Most executions of the past that are sent and not scored yet."""
QUIET_S = 15.0
"""An incident is over after so long without a deviation: sooner than usual, for people who watch."""
FALSE_ALARM_BOUND = 5
"""False alarms, in the simulated past and live together, with which the demo still succeeds."""


class DemoError(TracehoundError):
    """The demo cannot go on; the message says what did not happen."""


Via = Literal["kafka", "http"]
Opening = tuple[float, FaultName, str, str | None, str | None, float, float]
OPENING: tuple[Opening, ...] = (
    # seconds after the start, fault, application, operation, peer, effect, seconds it lasts
    (2, "error_burst", "cart", None, None, 0.5, 20),
    (5, "silence", "payment", None, None, 1, 28),
    (9, "network_delay", "gateway", None, "catalog", 80, 20),
    (14, "n_plus_one", "catalog", "GET /products/{id}", "catalog-db", 30, 20),
    (20, "slow_dependency", "orders", None, "orders-db", 8, 20),
    (26, "new_release", "users", None, None, 3, 20),
)
TIME_TO_DETECT_S: dict[FaultName, float] = {"silence": 28.0}
"""A fault is injected only if so much time is left to detect it."""
NAMES: tuple[FaultName, ...] = tuple(opening[1] for opening in OPENING)
"""Faults that show within seconds, not only in windows of event time."""
USUAL_TIME_TO_DETECT_S = 18.0


@click.command()
@click.option("--kafka", type=click.Choice(["embedded", "real"]), default="embedded", show_default=True)
@click.option(
    "--via",
    type=click.Choice(["kafka", "http"]),
    default="kafka",
    show_default=True,
    help="How executions are sent: to Kafka, or to the gateway.",
)
@click.option("--duration", type=click.FloatRange(0, min_open=True), help="End so many seconds after the first fault.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the simulated applications.")
def demo(kafka: Literal["embedded", "real"], via: Via, duration: float | None, seed: int) -> None:
    """Show faults being detected.

    Starts a broker, workers and a console, sends the simulated past of six applications, and then injects faults now.
    Shows what was detected, when and why, every false alarm, and the incidents that people are told of. With
    --duration the exit status is 0 only if every fault injected was detected (right application, kind and time) with at
    most 5 false alarms. Ctrl-C ends it all.
    """
    console = Console()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with ExitStack() as stack:
            ok = _run(stack, console, kafka, via, duration, seed)
    except KeyboardInterrupt:
        console.print("Ended; nothing is left behind.")
        return
    raise SystemExit(0 if ok else 1)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 (signature of a handler)
    raise KeyboardInterrupt


def _run(stack: ExitStack, console: Console, kafka: str, via: Via, duration: float | None, seed: int) -> bool:
    view = stack.enter_context(DemoView(console, FALSE_ALARM_BOUND))
    state = DemoState(f"starting the {kafka} broker")
    compile_first(lambda sentence: console.print(Text(sentence), soft_wrap=True))
    view.show(state)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracehound-demo-")))
    given = load_settings()
    started = stack.enter_context(broker(cast("Literal['embedded', 'real']", kafka), client_config=admin_config(given)))
    settings = demo_settings(started)
    console.print(Text(_where(started, settings)), soft_wrap=True)
    stack.enter_context(demo_topics(started, settings))
    worker = stack.enter_context(WorkerProcess(folder, _environment(settings), free_ports(1)[0]))
    incidents = stack.enter_context(WorkerProcess(folder, _environment(settings), free_ports(1)[0], "incidents"))
    anomalies = stack.enter_context(Listening(settings, settings.topics.anomalies.name, AnomalyEvent))
    told = stack.enter_context(Listening(settings, settings.topics.severity.name, IncidentEvent))
    asked, how = started_console(stack, folder, _environment(settings), settings)
    console.print(Text(how), soft_wrap=True)
    workers: tuple[WorkerProcess, ...] = (worker, incidents, *asked)
    if via == "http":
        gateway = WorkerProcess(folder, _environment(settings), free_ports(1)[0], "gateway")
        workers += (stack.enter_context(gateway),)
        sender = _to_gateway(gateway)
        console.print(Text(f"Executions go to the gateway at {gateway.address}."), soft_wrap=True)
    else:
        sender = _to_kafka(settings)
    return _Demo(sender, workers, anomalies, told, view, state, seed).run(duration)


def _to_kafka(settings: Settings) -> Sender:
    topic = settings.topics.executions
    producer = connect(producer_config(settings) | {"compression.type": "none"}, topic)  # loopback: nothing to save
    return ExecutionSender(producer, topic, batch=50)


def _to_gateway(gateway: WorkerProcess) -> Sender:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not gateway.is_ready():
        gateway.check()
        if time.monotonic() > deadline_s:
            gateway.fail(f"is not ready after {START_TIMEOUT_S:.0f} s")
        time.sleep(TICK_S)
    return GatewaySender(gateway.address)


def _where(started: Broker, settings: Settings) -> str:
    if started.kind == "external":
        return (
            f"On your own broker at {started.bootstrap_servers} (KAFKA_BOOTSTRAP_SERVERS), in topics "
            f"{settings.topic_prefix}* of its own, which it removes when it ends; it touches no others."
        )
    which = "the embedded broker" if started.embedded else f"an Apache Kafka ({started.kind})"
    return f"On {which} of its own at {started.bootstrap_servers}, which ends with it."


def demo_settings(started: Broker) -> Settings:
    """Settings of a demo on this broker: names of its own for all that it makes there."""
    name = f"tracehound-demo-{uuid4().hex[:8]}"
    return load_settings(
        bootstrap_servers=started.bootstrap_servers,
        topic_prefix=f"{name}.",
        intake={"otlp_topics": ""},  # has no prefix, belongs to others, and the demo has no intake
        **({} if started.kind == "external" else {"security_protocol": "PLAINTEXT"}),
        group_id=name,
        partitions=PARTITIONS,
        broker_is_embedded=started.embedded,
        silence_interval_s=1.0,
        progress_interval_s=1.0,
    )


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "TRACEHOUND_TOPIC_PREFIX": settings.topic_prefix,
        "TRACEHOUND_INTAKE__OTLP_TOPICS": "",
        "TRACEHOUND_SECURITY_PROTOCOL": settings.security_protocol,
        "TRACEHOUND_GROUP_ID": settings.group_id,
        "TRACEHOUND_PARTITIONS": str(settings.partitions),
        "TRACEHOUND_BROKER_IS_EMBEDDED": str(settings.broker_is_embedded),
        "TRACEHOUND_SILENCE_INTERVAL_S": str(settings.silence_interval_s),
        "TRACEHOUND_PROGRESS_INTERVAL_S": str(settings.progress_interval_s),
        "TRACEHOUND_INCIDENT_WORKER__GROUP_ID": _incidents_group(settings),
        "TRACEHOUND_INCIDENTS__QUIET_S": str(QUIET_S),
        "TRACEHOUND_GATEWAY__GRPC_PORT": "0",
        "TRACEHOUND_LOG_FORMAT": "json",
        **console_groups(settings),
    }


@contextmanager
def demo_topics(started: Broker, settings: Settings) -> Iterator[None]:
    """Topics of the demo's own; a broker that stays is left as it was, consumer groups included."""
    topics = [topic.name for topic in settings.topics.all()]
    try:
        started.create_topics(settings.topics)
        yield
    finally:
        if started.kind == "external":
            remove_topics(started.client_config, topics, settings.topic_prefix)
            groups = [settings.group_id, _incidents_group(settings), *console_groups(settings).values()]
            remove_groups(started.client_config, groups)


def _incidents_group(settings: Settings) -> str:
    return f"{settings.group_id}-incidents"


class _Demo:
    """The running demo: one loop that feeds, listens and shows."""

    def __init__(
        self,
        sender: Sender,
        workers: tuple[WorkerProcess, ...],
        detected: Listening[AnomalyEvent],
        told: Listening[IncidentEvent],
        view: DemoView,
        state: DemoState,
        seed: int,
    ) -> None:
        self._workers, self._view, self._state = workers, view, state
        self._worker = workers[0]
        self._detected, self._told = detected, told
        self._sender = sender
        self._seed = seed
        self._system = build_system(seed=seed, messages=True)
        self._start_s = time.time() - HISTORY_S
        self._simulation = Simulation(self._system, seed, RATE, self._start_s, even_traffic)
        self._feed = Feed(self._simulation, self._sender)
        self._truths: list[Truth] = []
        self._anomalies: list[AnomalyEvent] = []
        self._arrived_s: dict[str, float] = {}
        self._shown_s = 0.0

    def run(self, duration_s: float | None) -> bool:
        """Past, then faults; returns whether everything was detected within the bound of false alarms."""
        self._enter(f"sending the past, {HISTORY_S / 60:.0f} minutes at full speed")
        self._feed.catch_up(self._start_s, time.time, lambda _: self._wait_until_scored(ON_THE_WAY))
        self._wait_until_scored(RATE)
        self._enter("live")
        live_s = time.time()
        plan = FaultPlan(self._faults(live_s, duration_s), self._simulation, live_s)
        while duration_s is None or time.time() < live_s + duration_s:
            self._tick()
            self._truths += [truth_of(fault, self._system) for fault in plan.started(time.time())]
        self._enter("ended")
        self._hear_the_rest()
        return self._conclude()

    def _faults(self, live_s: float, duration_s: float | None) -> Iterator[Fault]:
        opening = opening_faults(live_s, duration_s)
        if duration_s is not None:
            return iter(opening)
        return chain(opening, now_and_then(self._system, self._seed, live_s, 90.0, 30.0, (20.0, 60.0), NAMES))

    @property
    def _sent(self) -> int:
        """Executions that are to be scored: those of the simulated applications, and what was logged."""
        return self._feed.sent + LOG_EVENTS

    def _enter(self, phase: str) -> None:
        self._state.phase = phase
        self._show()

    def _wait_until_scored(self, missing: float) -> None:
        """Until all but ``missing`` of the executions sent are scored: the embedded broker keeps only a few MB."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while self._sent - self._state.scored > missing:
            self._check()
            self._listen(TICK_S)
            self._show()
            if time.monotonic() > deadline_s:
                raise DemoError(
                    f"The worker scored only {self._state.scored:,} of {self._sent:,} executions "
                    f"within {START_TIMEOUT_S:.0f} s. The end of its log:\n{self._worker.end_of_log()}"
                )

    def _check(self) -> None:
        for worker in self._workers:
            worker.check()

    def _tick(self) -> None:
        self._check()
        self._feed.advance(time.time())
        self._listen(TICK_S)
        if time.monotonic() - self._shown_s > SHOW_EVERY_S:
            self._show()

    def _listen(self, timeout_s: float = 0.0) -> None:
        for found in self._detected.new(timeout_s):
            self._arrived_s[found.id] = time.time()
            self._anomalies.append(found)
        self._state.told += self._told.new()

    def _show(self) -> None:
        self._shown_s = time.monotonic()
        self._state.sent = self._sent
        self._state.scored = self._worker.executions_scored()
        self._state.arrived_s = self._arrived_s
        self._state.judgement = judge(self._truths, self._anomalies)
        self._view.show(self._state)

    def _hear_the_rest(self) -> None:
        """What has been sent is judged, and what was found arrives, however busy the machine is."""
        self._sender.close()
        self._wait_until_scored(0)
        while self._worker.counted("lag_records"):  # what was found is not yet with the broker
            self._listen(TICK_S)
        heard = -1
        while heard < len(self._anomalies):
            heard = len(self._anomalies)
            self._listen(_QUIET_FOR_S)
        self._show()

    def _conclude(self) -> bool:
        found = self._state.judgement
        detected = len(found.verdicts) - len(found.missed)
        click.echo(
            f"{detected} of {len(found.verdicts)} faults detected (right application, kind and time); "
            f"{len(found.false_alarms)} false alarms, at most {FALSE_ALARM_BOUND} are allowed; "
            f"{found.collateral} further anomalies follow from the faults."
        )
        incidents = {event.subject for event in self._state.told}
        click.echo(f"People were sent {len(self._state.told)} messages of incidents ({len(incidents)} in all).")
        for verdict in found.missed:
            click.echo(f"Missed: {verdict.truth.fault.describe()}")
        return not found.missed and len(found.false_alarms) <= FALSE_ALARM_BOUND


def opening_faults(live_s: float, duration_s: float | None) -> list[Fault]:
    """The faults that the demo begins with, as far as ``duration_s`` leaves time to detect them."""
    return [
        Fault(name, application, live_s + after_s, lasts_s, effect, operation, peer)
        for after_s, name, application, operation, peer, effect, lasts_s in OPENING
        if duration_s is None or after_s + TIME_TO_DETECT_S.get(name, USUAL_TIME_TO_DETECT_S) <= duration_s
    ]
