"""What another program answers on the console's port is one sentence and a status, whatever the command."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from tracehound.scripts.cli import main
from tracehound.streams.settings.settings import CONSOLE_URL

COMMANDS = (
    ("anomalies",),
    ("apps",),
    ("cost",),
    ("cost", "--runs"),
    ("drift",),
    ("explain", "4f2a"),
    ("feedback", "4f2a", "confirmed", "--yes"),
    ("incidents", "list"),
    ("incidents", "show", "4f2a"),
    ("keys", "list"),
    ("keys", "add", "me"),
    ("logs",),
    ("logs", "--templates"),
    ("models", "show", "shop"),
    ("operations",),
    ("operations", "shop"),
    ("operations", "shop", "GET /"),
    ("own-settings", "list"),
    ("own-settings", "set", "shop", "least_sigma=5"),
    ("own-settings", "revert", "shop"),
    ("train", "--estimate"),
    ("train", "shop", "--yes"),
    ("tunings", "list"),
    ("tunings", "show", "t1"),
    ("tunings", "cancel", "t1"),
    ("tunings", "apply", "t1", "--yes"),
)
ANSWERS: tuple[Any, ...] = (
    {"status": "success", "data": {"result": []}},
    {"items": [{"id": 1}], "next": None},
    {"items": [{"id": "4f2a", "time": "now", "data": None}], "next": None},
    {"items": {}, "next": 5},
    [],
    "ok",
    None,
)


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A program that answers the same to everything, as the test says."""
    told = [b""]

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.send_header("content-length", str(len(told[0])))
            self.end_headers()
            self.wfile.write(told[0])

        do_POST = do_DELETE = do_GET  # noqa: N815 (the base class looks for these names)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv(CONSOLE_URL, f"http://127.0.0.1:{server.server_port}")
    yield told
    server.shutdown()
    thread.join(120)
    server.server_close()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_it_is_no_console(command: tuple[str, ...], other: list[bytes]) -> None:
    for answer in (*(json.dumps(one).encode() for one in ANSWERS), b"<html>", b"[" * 100_000, b"\xff"):
        other[0] = answer
        for arguments in (command, (*command, "--json")):
            result = CliRunner().invoke(main, arguments)
            assert result.exit_code == 5, (answer[:60], result.output, result.exception)
            (sentence,) = result.stderr.splitlines()
            assert sentence.startswith("tracehound: What answers at http://127.0.0.1:")
            assert not result.stdout
