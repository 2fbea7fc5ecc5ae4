import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from infra.kafka.embedded_process import EmbeddedBrokerProcess
from schemas.errors import BrokerError

PARENT = """
import sys, time
from infra.kafka.embedded_process import EmbeddedBrokerProcess
broker = EmbeddedBrokerProcess()
print(broker.pid, flush=True)
time.sleep(600)
"""


def ended(pid: int, within_s: float = 20.0) -> bool:
    """True once the process is gone or only waits to be reaped."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").exists():
                if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
            else:
                os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_it_serves_from_another_process_with_the_same_verbs() -> None:
    with EmbeddedBrokerProcess(topics={"seen": 3}) as broker:
        assert broker.pid != os.getpid()
        client = Producer({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
        assert len(client.list_topics(timeout=10).topics["seen"].partitions) == 3
        assert broker.create_topic("later", 2)
        assert not broker.create_topic("later", 2)
        with pytest.raises(BrokerError, match="Broker not available"):
            broker.broker_down(7)
        broker.broker_down()
        broker.broker_up()
        assert len(client.list_topics(timeout=20).topics["later"].partitions) == 2
    assert ended(broker.pid)


def test_a_start_that_fails_says_why_and_leaves_no_process() -> None:
    with pytest.raises(BrokerError, match=r"at least 1\. Got 0 instead"):
        EmbeddedBrokerProcess(brokers=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_a_signal(number: signal.Signals) -> None:
    broker = EmbeddedBrokerProcess()
    os.kill(broker.pid, number)
    assert ended(broker.pid)
    with pytest.raises(BrokerError, match="ended by itself"):
        broker.broker_down()
    broker.close()


def test_it_dies_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert ended(pid)
