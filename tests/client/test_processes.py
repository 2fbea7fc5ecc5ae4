"""Forks and ends of processes: each sends what it recorded, once, and ends within its bound."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence

import pytest

from tests.checkout import PROJECT
from tests.client.conftest import Kept, Reached
from tracehound_client import Client

Make = Callable[..., Client]


def run(code: str, *given: str, options: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
    """A program in a process of its own."""
    command = [sys.executable, *options, "-c", textwrap.dedent(code), *given]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


RECORDS = """
import json, os, sys
from tracehound_client import Bounds, Client, Gateway, Kafka

application, url, topic = sys.argv[1:4]
client = Client(application, Kafka(url, topic) if topic else Gateway(url))

def record(count, who):
    for number in range(count):
        with client.execution("GET /") as execution:
            execution.attributes["who"] = f"{who} {number}"
"""


def place(by: str, reached: Reached) -> tuple[str, str]:
    """Where a program of ``RECORDS`` sends: the gateway's URL, or the brokers and the topic."""
    if by == "gateway":
        return reached.url, ""
    return reached.field.broker.bootstrap_servers, reached.field.topics.executions.name


def names(reached: Reached, application: str, count: int) -> list[str]:
    return sorted(one.attributes["who"] for one in reached.executions(application, count))


def of(**counts: int) -> list[str]:
    return sorted(f"{who} {number}" for who, count in counts.items() for number in range(count))


@pytest.mark.parametrize("by", ["gateway", "kafka"])
def test_what_was_recorded_before_a_fork_is_sent_once_and_each_process_sends_its_own(by: str, gateway: Reached) -> None:
    code = """
    record(20, "before")  # waits in the parent
    children = []
    for who in "ab":
        pid = os.fork()
        if not pid:
            record(30, who)
            sys.exit(3 if client.counts.recorded == 30 else 1)
        children.append(pid)
    record(10, "after")
    assert client.flush(120)
    for who in "cd":  # the thread and its connection are there now
        pid = os.fork()
        if not pid:
            record(5, who)
            sys.exit(3)
        children.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [3] * 4
    record(1, "last")
    """
    done = run(RECORDS + textwrap.dedent(code), f"forks-{by}", *place(by, gateway))
    assert done.returncode == 0, done.stderr
    assert names(gateway, f"forks-{by}", 101) == of(before=20, after=10, a=30, b=30, c=5, d=5, last=1)


def test_processes_of_multiprocessing_send_what_is_left(gateway: Reached) -> None:
    code = """
    import multiprocessing
    process = multiprocessing.get_context("fork").Process(target=record, args=(15, "child"))
    process.start()
    process.join()
    assert process.exitcode == 0
    """
    done = run(RECORDS + textwrap.dedent(code), "multiprocessing", gateway.url, "")
    assert done.returncode == 0, done.stderr
    assert names(gateway, "multiprocessing", 15) == of(child=15)


def test_forks_in_the_midst_of_recording_and_sending_go_on(gateway: Reached) -> None:
    code = """
    import threading, time
    stop = threading.Event()
    def busy():
        while not stop.is_set():
            record(1, "busy")
            time.sleep(0.002)
    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads: thread.start()
    for number in range(40):
        pid = os.fork()
        if not pid:
            record(1, f"child {number}")
            os._exit(0 if client.flush(30) and client.counts.sent == 1 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    stop.set()
    for thread in threads: thread.join()
    assert client.flush(120)
    print(client.counts.sent)
    """
    done = run(RECORDS + textwrap.dedent(code), "midst", gateway.url, "")
    assert done.returncode == 0, done.stderr
    found = names(gateway, "midst", int(done.stdout) + 40)
    assert len([name for name in found if name.startswith("child")]) == 40


@pytest.mark.parametrize("by", ["gateway", "kafka"])
def test_sending_imports_nothing(by: str, gateway: Reached) -> None:
    """A process that is forked while another thread imports a module waits forever where it imports that itself."""
    code = """
    before = set(sys.modules)
    record(100, "large enough to be compressed")
    assert client.flush(60) and client.counts.sent == 100
    print(sorted(set(sys.modules) - before))
    """
    done = run(RECORDS + textwrap.dedent(code), f"imports-{by}", *place(by, gateway))
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_an_execution_that_is_forked_in_its_midst_ends_once(clients: Make, kept: Kept) -> None:
    client = clients("shop", kept)
    with client.execution("outer"):
        pid = os.fork()
    if not pid:
        os._exit(client.counts.recorded)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert client.counts.recorded == 1


@pytest.mark.parametrize("way", ["Gateway('http://127.0.0.1:9')", "Kafka('127.0.0.1:9', options={'log_level': 0})"])
def test_the_end_is_put_off_no_longer_than_its_bound(way: str) -> None:
    code = f"""
    from tracehound_client import Bounds, Client, Gateway, Kafka
    client = Client("shop", {way}, bounds=Bounds(exit_s=0.5))
    with client.execution("GET /"):
        pass
    """
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert "1 executions of shop were not sent within 0.5 s." in done.stderr


def test_uncaught_exceptions_and_exits_send_what_is_left(gateway: Reached) -> None:
    for number, ending in enumerate(("raise KeyError('x')", "sys.exit(1)", "import _thread; _thread.interrupt_main()")):
        assert run(RECORDS + f"record(3, 'ends')\n{ending}", f"ends-{number}", gateway.url, "").returncode
        assert names(gateway, f"ends-{number}", 3) == of(ends=3)


def test_it_is_imported_and_used_with_the_standard_library_alone() -> None:
    code = """
    import importlib, pkgutil, sys
    sys.path.append(sys.argv[1])
    import tracehound_client as package
    for module in pkgutil.walk_packages(package.__path__, "tracehound_client."):
        importlib.import_module(module.name)
    with package.Client("shop", package.Gateway("http://127.0.0.1:9"), bounds=package.Bounds(exit_s=0)).execution():
        pass
    """
    done = run(code, str(PROJECT / "client"), options=("-I", "-S"))
    assert done.returncode == 0, done.stderr
