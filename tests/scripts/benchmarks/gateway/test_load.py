"""Clients note every answer, and an answer that is late counts from when its request was due."""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tracehound.scripts.benchmarks.gateway.load import Body, Target, as_fast_as_answered, at_rate

BODIES = [Body(b"x" * size, size) for size in (1, 2, 3)]


@contextmanager
def served(status: int = 200, each_s: float = 0.0) -> Iterator[tuple[Target, list[int]]]:
    """A server that takes so long for each request, one at a time; and the lengths of what it was sent."""
    got: list[int] = []
    one_at_a_time = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            with one_at_a_time:
                got.append(len(self.rfile.read(int(self.headers["Content-Length"]))))
                time.sleep(each_s)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing of each request."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Target(f"127.0.0.1:{server.server_port}", "/", {}), got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_answer_is_counted_with_what_its_body_held() -> None:
    with served() as (target, got):
        answers = as_fast_as_answered(target, BODIES, 1.5, clients=2)
    assert (answers.bodies, answers.items, answers.refused) == (len(got), sum(got), [])
    assert len(answers.latencies_s) == answers.bodies > 2
    assert set(got) == {1, 2, 3}


def test_refusals_are_no_answers() -> None:
    with served(503) as (target, got):
        answers = as_fast_as_answered(target, BODIES, 0.1, clients=1)
    assert (answers.bodies, answers.items, answers.refused) == (0, 0, [503] * len(got))


def test_a_rate_is_kept_and_a_queue_shows_in_the_times() -> None:
    with served(each_s=0.02) as (target, _):
        full = at_rate(target, BODIES, 0.6, clients=4, per_s=100)
        tries = (at_rate(target, BODIES, 0.6, clients=4, per_s=20) for _ in range(100))  # the machine may be busy
        calm = next(one for one in tries if one.percentile_ms(0.5) < 70)
    assert 11 <= calm.bodies <= 13
    assert full.bodies >= 50
    assert full.percentile_ms(0.99) > 300
    assert calm.percentile_ms(0.0) >= 19
