"""`tracehound notify` as a process: killed in the middle it tells everything all the same, under the same ids."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from tests.end_to_end.conftest import wait_until_within
from tests.streams.notify.conftest import make_event
from tracehound.schemas.incident import IncidentEvent
from tracehound.scripts.cli import main

wait_until = partial(wait_until_within, timeout_s=180.0)
NOTIFY = (
    "import sys; from tracehound.streams.settings.settings import load_settings; "
    "from tracehound.streams.worker.worker import run_worker; "
    "from tracehound.streams.notify.app import build_notify; "
    "sys.exit(run_worker(load_settings(), build_notify))"
)
SETTINGS = """
[notify]
first_retry_s = 0.1
longest_retry_s = 0.2

[notify.receivers.hook]
kind = "webhook"
url = "{url}/hook"
secret_env = "HOOK_SECRET"

[notify.receivers.pager]
kind = "pagerduty"
url = "{url}/pager"
secret_env = "PAGER_KEY"

[[notify.routes]]
receivers = ["hook"]

[[notify.routes]]
receivers = ["pager"]
severity = "critical"
"""
SECRETS = {"HOOK_SECRET": "s" * 24, "PAGER_KEY": "hush-hush"}


class Hook:
    """A server for webhooks and pages; refuses for now what is in ``refused``."""

    def __init__(self) -> None:
        self.hooked: list[str] = []
        self.attempted: list[str] = []
        self.paged: list[dict[str, Any]] = []
        self.refused: set[str] = set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(hook.take(self.path, self.headers.get("webhook-id", ""), body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, path: str, message_id: str, body: bytes) -> int:
        if path == "/pager":
            self.paged.append(json.loads(body))
            return 202
        self.attempted.append(message_id)
        if message_id in self.refused:
            return 503
        self.hooked.append(message_id)
        return 204

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


def send(field: Any, *events: IncidentEvent) -> None:
    producer = Producer({**field.broker.client_config, "partitioner": "murmur2_random"})
    for event in events:
        producer.produce(field.topics.severity.name, msgspec.json.encode(event), event.data.incident_id.encode())
    assert producer.flush(120) == 0


@pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
def test_a_killed_notifier_loses_nothing_and_a_dry_run_says_what_was_told(
    field: Any, worker: Any, hook: Hook, tmp_path: Path
) -> None:
    file = tmp_path / "tracehound.toml"
    file.write_text(SETTINGS.format(url=hook.url))
    environment = {
        **field.environment,
        **SECRETS,
        "TRACEHOUND_CONFIG": str(file),
        "TRACEHOUND_NOTIFY__GROUP_ID": field.topics.prefix + "notify",
    }
    first = worker(environment, code=NOTIFY)
    wait_until(lambda: first.get("/readyz")[0] == 200, "it reads")
    hook.refused = {f"i{number}-1" for number in range(0, 20, 3)}
    send(
        field, *(make_event(f"i{number}", severity="critical" if number % 5 == 0 else "minor") for number in range(20))
    )
    wait_until(lambda: len(hook.hooked) == 13 and hook.refused <= set(hook.attempted), "all were tried")
    first.kill()
    hook.refused = set()
    second = worker(environment, code=NOTIFY)
    send(field, *(make_event(f"i{number}", 2, "resolved", "minor") for number in range(20)))
    expected = {f"i{number}-{revision}" for number in range(20) for revision in (1, 2)}
    wait_until(lambda: set(hook.hooked) == expected, "everything is told")
    wait_until(lambda: sum(page["event_action"] == "resolve" for page in hook.paged) >= 4, "pages are resolved")
    assert {page["dedup_key"] for page in hook.paged} == {"i0", "i5", "i10", "i15"}
    for number in range(20):
        assert hook.hooked.index(f"i{number}-1") < hook.hooked.index(f"i{number}-2")
    assert second.counted("notifications_sent_total") >= 20
    assert second.end() == 0
    assert "hush-hush" not in "".join(first.raw + second.raw)

    said = CliRunner(env=environment).invoke(main, ["notify", "--dry-run"])
    assert said.exit_code == 0, said.output
    assert said.output.count(" opened to hook (webhook): ") == 20
    assert said.output.count(" resolved to pager (pagerduty): ") == 4
    assert said.output.endswith("48 messages would have been sent.\n")
    assert "hush-hush" not in said.output
    assert CliRunner(env=environment).invoke(main, ["notify", "--dry-run", "--since", "0s"]).output.startswith("0 mess")


def test_without_receivers_it_does_not_start(worker: Any) -> None:
    process = worker({}, code=NOTIFY)
    assert process.wait() == 2
    assert "'notify.receivers' must name at least one" in process.said("configuration_error")["sentence"]
