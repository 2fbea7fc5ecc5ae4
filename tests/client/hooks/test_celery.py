"""Tasks of Celery: called at once, and by workers that fork, whose processes end without a word."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, signals

from tests.client.conftest import Kept, Reached
from tracehound_client import Client, segment
from tracehound_client.hooks.celery import record_tasks

SIGNALS = (
    signals.before_task_publish,
    signals.task_prerun,
    signals.task_failure,
    signals.task_postrun,
    signals.worker_process_shutdown,
)


@pytest.fixture
def client(clients: Callable[..., Client], kept: Kept) -> Iterator[Client]:
    before = [list(one.receivers or []) for one in SIGNALS]
    client = clients("shop", kept)
    record_tasks(client)
    yield client
    for one, receivers in zip(SIGNALS, before, strict=True):
        one.receivers = receivers
        one.sender_receivers_cache.clear()


def test_tasks_that_are_called_at_once_are_recorded_each_for_itself(client: Client, kept: Kept) -> None:
    app = Celery("shop", set_as_current=False)

    @app.task(name="inner")
    def inner() -> None:
        raise KeyError("shelf")

    @app.task(name="outer")
    def outer() -> None:
        with segment("before"):
            pass
        inner.apply()
        with segment("after"):
            pass

    with client.execution("POST /orders"):
        outer.apply()
    assert client.flush(120)
    first, second, third = kept.executions
    assert (first["operation"], first["status"], first["result"]) == ("inner", "error", "FAILURE")
    assert first["error"]["type"] == "KeyError"
    assert (second["operation"], second["kind"], second["result"]) == ("outer", "job", "SUCCESS")
    assert [each["name"] for each in second["segments"]] == ["before", "after"]
    assert {one["trace_id"] for one in (first, second)} == {third["trace_id"]}
    assert first["parent_span_id"] == second["span_id"]


TASKS = """
from celery import Celery
from kombu import Queue
from tracehound_client import Client, Gateway, current
from tracehound_client.hooks.celery import record_tasks

folder = {folder!r}
app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {{"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder}}
app.conf.worker_max_tasks_per_child = 2
app.conf.worker_enable_remote_control = False
client = Client("celery-prefork", Gateway({url!r}))
record_tasks(client)

@app.task(name="pack")
def pack(number):
    current().attributes["number"] = number
    if number == 3:
        raise ValueError("too heavy")

if __name__ == "__main__":
    with client.execution("send"):
        for number in range(6):
            pack.delay(number)
"""


def test_workers_that_fork_send_what_each_of_their_processes_did(gateway: Reached, tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    (tmp_path / "tasks.py").write_text(textwrap.dedent(TASKS.format(folder=str(folder), url=gateway.url)))
    environment = {**os.environ, "C_FORCE_ROOT": "1"}
    subprocess.run([sys.executable, "tasks.py"], cwd=tmp_path, env=environment, check=True, timeout=120)
    worker: list[Any] = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", "prefork", "-c", "2"]
    with subprocess.Popen(
        [*worker, "--without-gossip", "--without-mingle", "--without-heartbeat"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            executions = gateway.executions("celery-prefork", 7)
        finally:
            process.terminate()
    tasks = sorted((one for one in executions if one.operation == "pack"), key=lambda one: one.attributes["number"])
    assert [one.failed for one in tasks] == [False, False, False, True, False, False]
    (sender,) = (one for one in executions if one.operation == "send")
    assert {(one.trace_id, one.parent_span_id) for one in tasks} == {(sender.trace_id, sender.span_id)}
