"""Debian's Prometheus and Alertmanager with our rules in a hurry, and the hook that Alertmanager tells."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.end_to_end.alerts.hurried_rules import write_hurried
from tests.processes import running
from tracehound.infra.kafka.ports import free_ports

PROJECT = Path(__file__).parents[3]
RULES = PROJECT / "infra/prometheus/rules"


@dataclass
class Server:
    """Answers what is posted with ``answer``, and keeps the bodies; ``text`` is at /metrics."""

    answer: int = 200
    text: str = ""
    bodies: list[Any] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def listening(self) -> Iterator["Server"]:
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                ours.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._say(ours.answer, b"")

            def do_GET(self) -> None:
                self._say(200, ours.text.encode())

            def _say(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                return

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_port
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


class Told:
    """What Alertmanager has told of each alert, in order: firing or resolved."""

    def __init__(self, hook: Server) -> None:
        self._hook = hook

    def of(self, name: str, since: int = 0) -> list[str]:
        """States of an alert in the notifications from number ``since`` on."""
        return [body["status"] for body in self._hook.bodies[since:] if body["groupLabels"]["alertname"] == name]

    def count(self) -> int:
        """How many notifications there were."""
        return len(self._hook.bodies)

    def firing(self) -> set[str]:
        """The alerts whose last notification says that they fire."""
        last = {body["groupLabels"]["alertname"]: body["status"] for body in list(self._hook.bodies)}
        return {name for name, state in last.items() if state == "firing"}


@contextmanager
def watching(
    targets: Mapping[str, str], keys: Mapping[str, str], folder: Path, real_program: Callable[..., str]
) -> Iterator[Told]:
    """Prometheus asks ``targets`` (``host:port`` by job) and tells Alertmanager, which tells what is returned.

    ``keys`` are those that it shows, by job.
    """
    asked, alerts = free_ports(2)
    with ExitStack() as stack:
        hook = stack.enter_context(Server().listening())
        receiver = {
            "name": "hook",
            "webhook_configs": [{"url": f"http://127.0.0.1:{hook.port}", "send_resolved": True}],
        }
        route = {"receiver": "hook", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"}
        _write(folder / "alertmanager.yml", {"route": route, "receivers": [receiver]})
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": list(map(str, write_hurried(sorted(RULES.glob("*.yml")), folder))),
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alerts}"]}]}]},
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [target]}]}
                | ({"authorization": {"credentials": keys[job]}} if job in keys else {})
                for job, target in targets.items()
            ],
        }
        _write(folder / "prometheus.yml", configuration)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        program = real_program("alertmanager", "prometheus-alertmanager")
        options = [f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'alerts'}"]
        listen = ["--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{alerts}"]
        stack.enter_context(running([program, *options, *listen], **quiet))
        options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'series'}"]
        options += [f"--web.listen-address=127.0.0.1:{asked}", "--rules.alert.resend-delay=1s"]
        stack.enter_context(running([real_program("prometheus"), *options], **quiet))
        yield Told(hook)


def _write(file: Path, what: object) -> None:
    file.write_text(yaml.safe_dump(what))
