"""Executions sent over HTTP: in order, again where they are put off, and an error where they are refused."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.execution import Execution
from tracehound.scripts.recorded.http_sending import GatewaySender

TAKEN = (200, {"accepted": 1, "refused_executions": 0, "refused": []})


@contextmanager
def gateway(*answers: tuple[int, dict[str, Any]]) -> Iterator[tuple[str, list[list[Any]]]]:
    """Answers requests one after the other, the last answer for all that follow; the address, and what was sent."""
    sent: list[list[Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append([json.loads(line)["operation"] for line in body.splitlines()])
            status, told = answers[min(len(sent), len(answers)) - 1]
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Retry-After", "3")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", sent
        finally:
            server.shutdown()
            thread.join()


def execution(operation: str) -> Execution:
    return Execution("shop", operation, 9.0, 5.0)


def test_lines_are_sent_together_and_in_order() -> None:
    with gateway(TAKEN) as (address, sent):
        sender = GatewaySender(address, batch=2)
        for operation in "abcde":
            sender.send(execution(operation))
        sender.close()
    assert sent == [["a", "b"], ["c", "d"], ["e"]]
    assert sender.summary() == "5 executions in 3 requests"


def test_what_is_put_off_is_sent_again_when_the_gateway_says_and_not_for_ever() -> None:
    slept: list[float] = []
    away = (503, {"detail": "Kafka is away"})
    with gateway(away, away, TAKEN, away) as (address, sent):
        sender = GatewaySender(address, patience_s=9.0, sleep=slept.append)
        sender.send(execution("a"))
        sender.flush()
        assert (sent, slept) == ([["a"]] * 3, [3.0, 3.0])
        sender.send(execution("b"))
        with pytest.raises(BrokerError, match=r"\(503\): .*Kafka is away"):
            sender.flush()
        sender._connection.close()
    assert slept == [3.0] * 5


@pytest.mark.parametrize("answer", [(200, {"refused_executions": 1}), (401, {"detail": "a key"})])
def test_what_is_refused_is_an_error(answer: tuple[int, dict[str, Any]]) -> None:
    with gateway(answer) as (address, _):
        sender = GatewaySender(address)
        sender.send(execution("a"))
        with pytest.raises(BrokerError, match="did not take all executions"):
            sender.flush()
        sender._connection.close()


def test_nobody_there_is_an_error() -> None:
    sender = GatewaySender(f"http://127.0.0.1:{free_ports(1)[0]}")
    sender.send(execution("a"))
    with pytest.raises(BrokerError, match="does not answer"):
        sender.flush()
