"""What breaks the system on purpose, and what each of it sets off."""

import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import requests
from confluent_kafka import Consumer, TopicPartition

from tests.end_to_end.alerts.system import TOPICS, System
from tests.streams.conftest import anomaly_of
from tests.streams.notify.conftest import make_event
from tracehound.schemas.control import Control
from tracehound.schemas.execution import Execution, rfc3339
from tracehound.schemas.progress import Progress

_RUNNING_S = 0.05
"""How long a starved process may run at a time; then it is frozen until it is looked at again."""


_SLOW = """
CREATE TRIGGER IF NOT EXISTS slow AFTER INSERT ON anomalies BEGIN
    SELECT (WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 50000)
            SELECT count(*) FROM counted);
END
"""
"""What makes each new row take some milliseconds."""

_DISK = "tracehound_disk_free_bytes {free}\ntracehound_disk_size_bytes 100\n"


@dataclass(frozen=True)
class Fault:
    """Breaks something.

    Parameters:
        alerts: what is set off.
        again: breaks it, and is called again and again until all of them fire.
        mend: makes it well.
        after: what goes on where all is well; called again and again until nothing fires any more.
    """

    alerts: tuple[str, ...]
    again: Callable[[], object]
    mend: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None


def frozen(system: System, kind: str, alert: str) -> Fault:
    """A process that is there and does nothing."""
    pid = system.pid(kind)
    return Fault((alert,), partial(os.kill, pid, signal.SIGSTOP), partial(os.kill, pid, signal.SIGCONT))


def starved(system: System, kind: str, *alerts: str, flood: Callable[[System], object], every_s: float = 5.0) -> Fault:
    """A process that hardly gets any of the CPU, while there is a flood of work for it."""
    pid = system.pid(kind)
    flooded_s = [time.monotonic() - every_s]

    def again() -> None:
        if time.monotonic() - flooded_s[-1] >= every_s:
            flood(system)
            flooded_s.append(time.monotonic())
        os.kill(pid, signal.SIGCONT)
        time.sleep(_RUNNING_S)
        os.kill(pid, signal.SIGSTOP)

    return Fault(alerts, again, partial(os.kill, pid, signal.SIGCONT))


def flood_of_executions(system: System) -> None:
    """More than a worker takes within a minute where it gets a twentieth of a core, and less than the broker keeps."""
    now_s = time.time()
    for number in range(100_000):
        system.traffic.execution(f"burst-{number % 4}", "GET /sale", now_s, 50.0)
    system.traffic.flush()


def flood_of_calls(system: System) -> None:
    """Halves of traces, for intake."""
    at_s = time.time()
    for number in range(5_000):
        trace_id = f"{number:032x}"
        call = {"trace_id": trace_id, "span_id": trace_id[16:], "application": "called", "operation": "GET /cart"}
        told = json.dumps({**call, "started_at": at_s, "duration_ms": 5.0}).encode()
        system.traffic.send(TOPICS.traces.name, told, trace_id)
    system.traffic.flush()


def flood_of_progress(system: System) -> None:
    """What workers say of how far they are, for those who group incidents."""
    for number in range(20_000):
        application, through = f"burst-{number % 500}", rfc3339(time.time())
        progress = Progress(application, "", through, 10, 0, 0, {"GET /sale": 10})
        system.traffic.send(TOPICS.incident_input.name, msgspec.json.encode(progress), "")
    system.traffic.flush()


def slow_database(system: System) -> Fault:
    """The console's database takes some milliseconds for each anomaly, while there is a flood of them."""
    flooded: list[float] = []

    def of_database(statement: str) -> None:
        with closing(sqlite3.connect(system.database, timeout=300, isolation_level=None)) as database:
            database.execute(statement)

    def again() -> None:
        if not flooded:
            of_database(_SLOW)
        if not flooded or time.monotonic() - flooded[-1] >= 2.0:
            flooded.append(time.monotonic())
            for number in range(500):
                execution = Execution("shop", f"GET /{number}", time.time(), 20_000.0)
                event = anomaly_of(execution)
                system.traffic.send(TOPICS.anomalies.name, msgspec.json.encode(event), "shop")
            system.traffic.flush()

    return Fault(("TracehoundConsoleBehind",), again, partial(of_database, "DROP TRIGGER IF EXISTS slow"))


def poison(system: System) -> Fault:
    """Records that are no executions."""

    def again() -> None:
        for _ in range(20):
            system.traffic.send(TOPICS.executions.name, b"{", "shop")

    return Fault(("TracehoundRecordsRefused",), again)


def helpers_killed(system: System) -> Fault:
    """The processes that fit models are killed as soon as they show themselves; then they are let be, and asked."""
    worker = system.pid("worker")

    def train() -> None:
        asked = Control("refit", "shop", asked_at=time.time())
        system.traffic.send(TOPICS.control.name, msgspec.json.encode(asked), "shop")

    def again() -> None:
        train()
        for child in Path(f"/proc/{worker}/task/{worker}/children").read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(int(child), signal.SIGKILL)

    return Fault(("TracehoundFitHelperDies", "TracehoundTrainingFails", "TracehoundNotReady"), again, train)


def receivers_away(system: System) -> Fault:
    """One receiver of notifications is out of order, another one refuses them for good."""

    def again() -> None:
        system.away.answer, system.refuses.answer = 503, 400
        event = make_event(f"incident-{time.monotonic_ns()}", 1, "opened", "major")
        system.traffic.send(TOPICS.severity.name, msgspec.json.encode(event), event.data.incident_id)

    def mend() -> None:
        system.away.answer = system.refuses.answer = 200

    return Fault(("TracehoundNotificationsFail", "TracehoundNotificationsLost"), again, mend)


def drifting(system: System) -> Fault:
    """An application whose executions have become shorter, which is no anomaly, and then as long as before."""
    begun: list[int] = []

    def send(count: int, usual_ms: float) -> None:
        start_s = time.time() - 600 + 0.1 * sum(begun)
        begun.append(count)
        for number in range(count):
            system.traffic.execution("moved", "GET /list", start_s + 0.1 * number, usual_ms)

    def again() -> None:
        if not begun:
            send(1_700, 100.0)
            send(900, 60.0)

    return Fault(("TracehoundDrift",), again, partial(send, 900, 100.0))


def noisy(system: System) -> Fault:
    """An application that breaks every ten minutes of its own time."""
    begun: list[int] = []

    def again() -> None:
        if begun:
            return
        begun.append(1)
        start_s = time.time() - 4 * 3_600
        for number in range(14_400):
            breaks = number > 3_000 and number % 600 < 30
            more = {"status": "error", "error_type": f"E{number // 600}"} if breaks else {}
            system.traffic.execution(
                "noisy", f"GET /{number % 3}", start_s + number, 2_000.0 if breaks else 50.0, **more
            )

    return Fault(("TracehoundAlarmBudgetExceeded",), again)


def full_disk(system: System) -> Fault:
    """The file system where the worker keeps copies of states is full but for a twentieth.

    Where this user may not mount one that is small enough to be filled, recorded text of the worker's stands in.
    """
    if system.disk is None:
        return recorded("TracehoundDiskFull", system, _DISK.format(free=1), _DISK.format(free=99))
    filler, size = system.disk / "filler", os.statvfs(system.disk)
    room = (size.f_bavail - size.f_blocks // 20) * size.f_frsize

    def again() -> None:
        if not filler.exists():
            filler.write_bytes(bytes(room))

    return Fault(("TracehoundDiskFull",), again, filler.unlink)


def recorded(alert: str, system: System, broken: str, mended: str) -> Fault:
    """No fault, but what a process would say of itself."""
    system.recorded.append(alert)
    say = partial(setattr, system.stand_in, "text")
    return Fault((alert,), partial(say, broken), partial(say, mended))


def scoring_raises(system: System) -> Fault:
    """Scoring fails again and again, and each time goes on with what was saved."""
    mend = partial(system.fails_once.unlink, missing_ok=True)
    return Fault(("TracehoundScoringFails",), system.fails_once.touch, mend)


def records_deleted(system: System) -> Fault:
    """Kafka removes what a frozen worker has not read."""
    worker = system.pid("worker")

    def again() -> None:
        os.kill(worker, signal.SIGSTOP)
        for _ in range(2_000):
            system.traffic.execution("shop", "GET /cart", time.time(), 100.0)
        system.traffic.flush()
        consumer = Consumer({"bootstrap.servers": system.broker.bootstrap_servers, "group.id": "looks"})
        for partition in range(TOPICS.partitions):
            _, end = consumer.get_watermark_offsets(TopicPartition(TOPICS.executions.name, partition), 120)
            system.broker.delete_records(TOPICS.executions.name, partition, end)
        consumer.close()
        os.kill(worker, signal.SIGCONT)

    return Fault(("TracehoundRecordsLost",), again, partial(os.kill, worker, signal.SIGCONT))


def drills_fail(system: System) -> Fault:
    """A drill is told; then the worker is frozen, and none is any more.

    Drills go on once it is mended: where nobody drills, the alert fires again, as it must.
    """
    worker = system.pid("worker")
    begun: list[float] = []

    def again() -> None:
        if not begun:
            system.drill()
            os.kill(worker, signal.SIGSTOP)
            begun.append(time.monotonic())

    mend = partial(os.kill, worker, signal.SIGCONT)
    return Fault(("TracehoundDrillNotDetected",), again, mend, system.drill)


def broker_frozen(system: System) -> Fault:
    """Kafka does not answer, while somebody sends over HTTP."""
    url = f"http://127.0.0.1:{system.ports['gateway']}/v1/executions"
    execution = {"application": "shop", "operation": "GET /cart", "started_at": time.time(), "duration_ms": 1.0}

    def post() -> None:
        with suppress(requests.RequestException):
            requests.post(url, json.dumps([execution]), headers={"Content-Type": "application/json"}, timeout=60)

    def again() -> None:
        os.kill(system.broker.pid, signal.SIGSTOP)
        threading.Thread(target=post, daemon=True).start()

    mend = partial(os.kill, system.broker.pid, signal.SIGCONT)
    return Fault(("TracehoundStalled", "TracehoundGatewayFails"), again, mend)


def nothing_sent(system: System) -> Fault:
    """Producers have ended."""
    return Fault(("TracehoundNothingReceived",), system.traffic.flows.clear, system.traffic.flows.set)
