"""Jobs of RQ: by workers that fork a process for each, which ends without a word."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from fakeredis import TcpFakeServer

from tests.client.conftest import Reached

JOBS = """
from tracehound_client import current, segment

def pack(number):
    current().attributes["number"] = number
    with segment("count"):
        if number == 2:
            raise ValueError("too heavy")
"""
WORK = """
import sys
from redis import Redis
from rq import Queue, Worker
from tracehound_client import Client, Gateway
from tracehound_client.hooks.rq import recorded_job
import jobs

redis = Redis(port=int(sys.argv[2]))
queue = Queue(connection=redis)
for number in range(4):
    queue.enqueue(jobs.pack, number)
job_class = recorded_job(Client("rq", Gateway(sys.argv[1])))

class Here(Worker):
    def _set_ip_address(self, connection):  # which the server of the test cannot say
        self.ip_address = "127.0.0.1"

Here([queue], connection=redis, job_class=job_class).work(burst=True)
"""


@pytest.fixture
def redis() -> Iterator[int]:
    """The port of a server that speaks as Redis does."""
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_job_is_sent_by_the_process_that_did_it(gateway: Reached, redis: int, tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(textwrap.dedent(JOBS))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", WORK, gateway.url, str(redis)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    executions = sorted(gateway.executions("rq", 4), key=lambda one: one.attributes["number"])
    assert [(one.operation, one.kind, one.failed) for one in executions] == [
        ("jobs.pack", "job", number == 2) for number in range(4)
    ]
    assert [one.segments[0].name for one in executions] == ["count"] * 4
