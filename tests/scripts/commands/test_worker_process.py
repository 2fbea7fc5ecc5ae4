import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracehound.infra.kafka.ports import free_ports
from tracehound.scripts.commands.worker_process import WorkerEndedError, WorkerProcess

METRICS = b"""# HELP tracehound_executions_total Executions scored
tracehound_executions_total 1234.0
tracehound_executions_created 1.7e+09
"""


class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/metrics" else 404)
        self.end_headers()
        self.wfile.write(METRICS)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served_port() -> Iterator[int]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Metrics)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def misconfigured(folder: Path, port: int) -> WorkerProcess:
    return WorkerProcess(folder, {"TRACEHOUND_PARTITIONS": "-7"}, port)


def check_until(worker: WorkerProcess, word: str | None = None) -> None:
    """Until the word is in its log, or the worker has ended, which raises."""
    deadline_s = time.monotonic() + 60
    while (word is None or word not in worker.end_of_log()) and time.monotonic() < deadline_s:
        worker.check()
        time.sleep(0.05)


def test_a_worker_that_ends_by_itself_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    with misconfigured(tmp_path, free_ports(1)[0]) as worker:
        with pytest.raises(WorkerEndedError, match="ended with status 2") as failure:
            check_until(worker)
        assert "partitions" in str(failure.value)


def test_a_running_worker_ends_when_it_is_closed(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    worker = WorkerProcess(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, port)
    check_until(worker, "health_listening")

    worker.close()

    with pytest.raises(WorkerEndedError):
        worker.check()


def test_scored_executions_are_read_from_the_metrics(tmp_path: Path, served_port: int) -> None:
    with misconfigured(tmp_path, served_port) as worker:
        assert worker.executions_scored() == 1_234


def test_a_worker_that_does_not_answer_has_scored_nothing_yet(tmp_path: Path) -> None:
    with misconfigured(tmp_path, free_ports(1)[0]) as worker:
        assert worker.executions_scored() == 0
