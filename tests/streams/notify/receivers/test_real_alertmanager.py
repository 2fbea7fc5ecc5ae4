"""The receiver at a real Alertmanager: what it fires, keeps firing and resolves, as its own API tells."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.streams.conftest import until
from tests.streams.notify.conftest import Request, StandIn, make_event, make_record, stand_in
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.anomaly import Severity
from tracehound.schemas.incident import IncidentChange
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.outcome import Delivered
from tracehound.streams.notify.receivers.alertmanager import AlertmanagerReceiver
from tracehound.streams.settings.notify import Alertmanager

_CONFIGURATION = """
global: {{resolve_timeout: 1s}}
route:
  receiver: here
  group_by: [incident_id]
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: here
    webhook_configs: [{{url: "{url}", send_resolved: true}}]
"""


class Server:
    """An Alertmanager as a process; its configuration names where it notifies."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, notify_at: str) -> None:
        file = self._folder / "alertmanager.yml"
        file.write_text(_CONFIGURATION.format(url=notify_at))
        arguments = [f"--config.file={file}", f"--storage.path={self._folder}", "--cluster.listen-address="]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._program, *arguments, f"--web.listen-address={self.url.removeprefix('http://')}"],
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def server(real_program: Callable[..., str], tmp_path: Path) -> Iterator[Server]:
    server = Server(real_program("alertmanager", "prometheus-alertmanager"), tmp_path)
    yield server
    server.stop()


async def firing(url: str) -> list[tuple[str, str]] | None:
    """Incident and severity of every alert that fires; None while nobody answers."""
    try:
        async with aiohttp.ClientSession() as client, client.get(url + "/api/v2/alerts") as answer:
            alerts = await answer.json() if answer.status == 200 else None
    except aiohttp.ClientError:
        return None
    return None if alerts is None else sorted((a["labels"]["incident_id"], a["labels"]["severity"]) for a in alerts)


async def becomes(url: str, expected: list[tuple[str, str]]) -> None:
    deadline = time.monotonic() + 120
    while (found := await firing(url)) != expected:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)


def notified(hook: StandIn, incident_id: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """What Alertmanager itself told of an incident: the group's state, and its alerts by severity and state."""

    def told(request: Request) -> tuple[str, list[tuple[str, str]]]:
        alerts: list[Any] = request.json["alerts"]
        return request.json["status"], sorted((alert["labels"]["severity"], alert["status"]) for alert in alerts)

    return [told(one) for one in hook.requests if one.json["groupLabels"]["incident_id"] == incident_id]


def notice(incident_id: str, revision: int, change: IncidentChange, severity: Severity, *earlier: Severity) -> Notice:
    event = make_event(incident_id, revision, change, severity)
    return Notice("alerts", event, change, "shop", earlier, make_record(event))


def test_alerts_fire_go_on_change_their_severity_and_are_resolved(server: Server) -> None:
    """Its own time-out for alerts that nobody repeats is one second: ours must not depend on it."""

    async def test() -> None:
        async with stand_in() as hook:
            server.start(hook.url)
            settings = Alertmanager(kind="alertmanager", url=server.url, resend_s=0.2)
            receiver = AlertmanagerReceiver("alerts", settings)
            await becomes(server.url, [])
            assert await receiver.tell(notice("i1", 1, "opened", "major")) == Delivered()
            assert await receiver.tell(notice("i2", 1, "opened", "minor")) == Delivered()
            await becomes(server.url, [("i1", "major"), ("i2", "minor")])
            await until(lambda: bool(notified(hook, "i1") and notified(hook, "i2")), "both are notified")
            assert notified(hook, "i1") == [("firing", [("major", "firing")])]

            await receiver.tell(notice("i1", 2, "updated", "critical", "major"))
            await becomes(server.url, [("i1", "critical"), ("i2", "minor")])
            await until(lambda: len(notified(hook, "i1")) >= 2, "the change is notified")
            assert notified(hook, "i1")[1] == ("firing", [("critical", "firing"), ("major", "resolved")])

            receiver.start()
            await asyncio.sleep(2.0)
            assert await firing(server.url) == [("i1", "critical"), ("i2", "minor")]
            await receiver.tell(notice("i1", 3, "resolved", "critical", "major"))
            await becomes(server.url, [("i2", "minor")])
            await until(lambda: notified(hook, "i1")[-1][0] == "resolved", "the end is notified")
            await receiver.close()

    asyncio.run(test())


def test_an_alertmanager_that_lost_everything_is_told_again(server: Server) -> None:
    async def test() -> None:
        async with stand_in() as hook:
            settings = Alertmanager(kind="alertmanager", url=server.url, resend_s=0.2)
            receiver = AlertmanagerReceiver("alerts", settings)
            receiver.remember(notice("i1", 1, "opened", "major"))  # as after a restart of ours
            receiver.start()
            await asyncio.sleep(0.5)  # nobody there
            server.start(hook.url)
            await becomes(server.url, [("i1", "major")])
            await receiver.close()

    asyncio.run(test())


def test_an_alert_of_a_notifier_that_is_gone_expires(server: Server) -> None:
    async def test() -> None:
        async with stand_in() as hook:
            server.start(hook.url)
            settings = Alertmanager.model_construct(
                kind="alertmanager", url=server.url, resend_s=1.0, expire_s=1.5, timeout_s=5.0, labels={}
            )
            receiver = AlertmanagerReceiver("alerts", settings)
            await becomes(server.url, [])
            while await firing(server.url) != [("i1", "major")]:  # may have expired before we look
                await receiver.tell(notice("i1", 1, "opened", "major"))
            await becomes(server.url, [])
            await receiver.close()

    asyncio.run(test())
