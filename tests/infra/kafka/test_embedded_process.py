import os
import signal
import sys
from collections.abc import Callable

import pytest
from confluent_kafka import Producer

from tests.processes import running
from tracehound.infra.kafka.embedded_process import EmbeddedBrokerProcess
from tracehound.schemas.errors import BrokerError

PARENT = """
import time
from tracehound.infra.kafka.embedded_process import EmbeddedBrokerProcess
broker = EmbeddedBrokerProcess()
print(broker.pid, flush=True)
time.sleep(600)
"""


def test_it_serves_from_another_process_with_the_same_verbs(ended: Callable[[int], bool]) -> None:
    with EmbeddedBrokerProcess(topics={"seen": 3}) as broker:
        assert broker.pid != os.getpid()
        client = Producer({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
        assert len(client.list_topics(timeout=120).topics["seen"].partitions) == 3
        assert broker.create_topic("later", 2)
        assert not broker.create_topic("later", 2)
        with pytest.raises(BrokerError, match="Broker not available"):
            broker.broker_down(7)
        broker.broker_down()
        broker.broker_up()
        assert len(client.list_topics(timeout=120).topics["later"].partitions) == 2
    assert ended(broker.pid)


def test_a_start_that_fails_says_why() -> None:
    with pytest.raises(BrokerError, match=r"at least 1\. Got 0 instead"):
        EmbeddedBrokerProcess(brokers=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_a_signal(ended: Callable[[int], bool], number: signal.Signals) -> None:
    broker = EmbeddedBrokerProcess()
    os.kill(broker.pid, number)
    assert ended(broker.pid)
    with pytest.raises(BrokerError, match="ended by itself"):
        broker.broker_down()
    broker.close()
    broker.close()


def test_it_dies_with_a_parent_that_is_killed(ended: Callable[[int], bool]) -> None:
    with running([sys.executable, "-c", PARENT], stderr=None) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    assert ended(pid)
