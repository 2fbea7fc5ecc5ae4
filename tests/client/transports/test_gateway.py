"""The way over HTTP: what each answer means, large bodies, lost connections, and gateways that are slow or away."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import create_server
from typing import Any

import pytest

from tests.client.conftest import Reached
from tracehound.infra.kafka.ports import free_ports
from tracehound_client import Bounds, Client, Gateway

Make = Callable[..., Client]
AT_ONCE = Bounds(wait_s=0.01)


@dataclass
class Answers:
    """A server that answers as told, one after the other, and then 200; None closes the connection instead."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], bytes] | None] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    connections: int = 0
    hold: threading.Event = field(default_factory=threading.Event)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.requests]


@pytest.fixture
def server() -> Iterator[Answers]:
    told = Answers()
    told.hold.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            told.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            told.requests.append((dict(self.headers.items()) | {"path": self.path}, body))
            told.hold.wait(120)
            answer = told.answers.pop(0) if told.answers else (200, {}, b"{}")
            if answer is None:
                self.close_connection = True
                return
            status, headers, content = answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *given: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients that do not wait for answers are meant to be here."""

    with Quiet(("127.0.0.1", 0), Handler) as serving:
        serving.daemon_threads = True
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        told.url = f"http://127.0.0.1:{serving.server_port}"
        yield told
        told.hold.set()
        serving.shutdown()
        thread.join()


def record(client: Client, count: int = 1, **attributes: Any) -> None:
    for _ in range(count):
        with client.execution("GET /") as execution:
            execution.attributes |= attributes


def test_a_key_and_a_path_before_it_are_sent_and_connections_are_kept(server: Answers, clients: Make) -> None:
    client = clients("shop", Gateway(server.url + "/behind/", key="th_1_x"))
    for _ in range(3):
        record(client)
        assert client.flush(120)
    headers = server.requests[0][0]
    assert (headers["path"], headers["Authorization"]) == ("/behind/v1/executions", "Bearer th_1_x")
    assert (len(server.requests), server.connections) == (3, 1)
    assert len({headers["Idempotency-Key"] for headers, _ in server.requests}) == 3


def test_large_bodies_are_compressed(server: Answers, clients: Make) -> None:
    client = clients("shop", Gateway(server.url))
    record(client)
    assert client.flush(120)
    record(client, 100)
    assert client.flush(120)
    small, large = server.requests
    assert "Content-Encoding" not in small[0]
    assert large[0]["Content-Encoding"] == "gzip"
    assert int(large[0]["Content-Length"]) < len(large[1]) / 4
    assert [len(body) for body in server.bodies] == [1, 100]


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_what_is_put_off_is_sent_again_no_sooner_than_asked(status: int, server: Answers, clients: Make) -> None:
    server.answers = [(status, {"Retry-After": "1"}, b'{"detail": "Busy."}')]
    client = clients("shop", Gateway(server.url), bounds=AT_ONCE)
    began = time.monotonic()
    record(client)
    assert client.flush(120)
    assert time.monotonic() - began >= 1
    assert server.requests[0][1] == server.requests[1][1]
    assert server.requests[0][0]["Idempotency-Key"] == server.requests[1][0]["Idempotency-Key"]
    assert client.counts.sent == 1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 415, 500])
def test_what_trying_again_would_not_mend_is_refused_and_told(
    status: int, server: Answers, clients: Make, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = [(status, {"Location": "http://127.0.0.1:9/"}, b'{"detail": "Not like this."}')]
    client = clients("shop", Gateway(server.url))
    record(client, 2)
    assert client.flush(120)
    assert client.counts.refused == 2
    assert f"{status}: Not like this." in caplog.text
    assert len(server.requests) == 1


def test_a_real_gateway_says_what_it_refused(gateway: Reached, clients: Make, caplog: pytest.LogCaptureFixture) -> None:
    client = clients("partly-refused", Gateway(gateway.url))
    with client.execution("GET /") as execution:
        execution.kind = "nonsense"  # type: ignore[assignment]
    record(client)
    assert client.flush(120)
    assert (client.counts.sent, client.counts.refused) == (1, 1)
    assert "the field 'kind' must be" in caplog.text
    assert [one.kind for one in gateway.executions("partly-refused", 1)] == ["request"]


@pytest.mark.parametrize("answer", [b"", b"[", b"[]", b"null", b'{"refused_executions": "x"}', b"\xff" * 300_000])
def test_any_answer_of_2xx_is_taken(answer: bytes, server: Answers, clients: Make) -> None:
    server.answers = [(200, {}, answer)]
    client = clients("shop", Gateway(server.url))
    record(client)
    assert client.flush(120)
    record(client)
    assert client.flush(120)
    assert client.counts.sent == 2


def test_a_connection_that_was_closed_meanwhile_is_made_anew_at_once(server: Answers, clients: Make) -> None:
    client = clients("shop", Gateway(server.url), bounds=AT_ONCE)
    record(client)
    assert client.flush(120)
    server.answers = [None]
    record(client)
    assert client.flush(120)
    assert (server.connections, client.counts.sent) == (2, 2)


def test_a_gateway_that_is_away_costs_nothing_that_can_wait(clients: Make) -> None:
    (port,) = free_ports(1)
    client = clients("shop", Gateway(f"http://127.0.0.1:{port}"), bounds=AT_ONCE)
    record(client, 10)
    assert not client.flush(0.2)
    assert client.counts.waiting == 10
    server = ThreadingHTTPServer(("127.0.0.1", port), _Taking)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    assert client.flush(60)
    assert client.counts.sent == 10
    server.shutdown()
    thread.join()
    server.server_close()


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *given: object) -> None:
        """Say nothing."""


def test_a_slow_gateway_holds_up_sending_and_nothing_else(server: Answers, clients: Make) -> None:
    server.hold.clear()
    client = clients("shop", Gateway(server.url, timeout_s=1.0), bounds=AT_ONCE)
    record(client)
    while len(server.requests) < 2:  # it gives up, and tries again
        record(client)
        time.sleep(0.02)
    server.hold.set()
    assert client.flush(60)
    assert client.counts.sent == client.counts.recorded


def test_what_speaks_no_http_is_a_gateway_that_is_away(clients: Make) -> None:
    with create_server(("127.0.0.1", 0)) as listening:
        client = clients("shop", Gateway(f"http://127.0.0.1:{listening.getsockname()[1]}"), bounds=AT_ONCE)
        record(client)
        taken, _ = listening.accept()
        with taken:
            taken.sendall(b"\x16\x03\x01 nonsense\r\n\r\n" * 10)
            assert not client.flush(0.2)
        assert client.counts.waiting == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "127.0.0.1:4318"}, "'url'"),
        ({"url": "ftp://shop"}, "'url'"),
        ({"url": "http://"}, "'url'"),
        ({"url": "http://shop?x"}, "'url'"),
        ({"url": "http://shop:99999"}, "'url'"),
        ({"key": "a\nb"}, "'key'"),
        ({"timeout_s": 0}, "'timeout_s'"),
    ],
)
def test_wrong_settings_are_told_at_once(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"The {said} "):
        Gateway(**given)
