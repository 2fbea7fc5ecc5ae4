"""`tracehound up` as a newcomer uses it: what it says to publish is judged, and what is wrong is refused."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.end_to_end.all_of_it import Up
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.up import chosen_broker
from tracehound.streams.settings.settings import Settings


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    with Up(tmp_path / "logs") as started:
        yield started


def test_what_it_says_to_publish_is_judged_and_bad_input_is_refused(up: Up, tmp_path: Path) -> None:
    program = up.until(r"publish this, in another shell:\n\n(.*?\nEND)\n")[1]
    export = up.until(r"^Other commands find it by: (export KAFKA_BOOTSTRAP_SERVERS=(\S+))$")

    subprocess.run(["bash", "-c", program], check=True, cwd=tmp_path, timeout=120)
    up.until(r"^\S+ model    shop is new: each of its operations needs \d+ executions")
    up.until(r"^\S+ judged   GET /cart of shop is judged from now on")
    up.until(r"^\S+ arrived  shop GET /cart: new, \d+ executions$")

    producer = Producer({"bootstrap.servers": export[2]})
    producer.produce("tracehound.executions.v1", b'{"application": "shop"}', key=b"shop")
    assert producer.flush(120) == 0
    show = up.until(r"^\S+ refused  .*required.*\(tracehound (deadletters show \d+-\d+)\)$")[1]

    shell = f"{export[1]} && {sys.executable} -m tracehound {show} && {sys.executable} -m tracehound status"
    result = subprocess.run(
        ["bash", "-c", shell], env=up.environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert '{"application": "shop"}' in result.stdout
    assert re.search(r"^models +1 application; 1 of 1 operation judged", result.stdout, re.MULTILINE)
    assert up.end() == 0
    assert up.said.endswith("Stopped.\n")
    logs = {file.stem for file in (tmp_path / "logs").glob("*.log")}
    assert logs == {"worker", "intake", "incidents", "gateway"}


def by_default(servers: str) -> Settings:
    """Settings whose default is this address, which nobody has named."""
    return Settings.model_construct(_fields_set=set(), bootstrap_servers=servers)


def test_a_broker_that_is_named_or_listens_is_used_and_left_there(embedded_kafka: Broker) -> None:
    servers = embedded_kafka.bootstrap_servers
    for settings in (Settings(bootstrap_servers=servers), by_default(servers)):
        with chosen_broker("auto", settings) as found:
            assert (found.kind, found.bootstrap_servers) == ("external", servers)
    assert embedded_kafka.create_topics(Topics("still-there.", 1, ()))

    with pytest.raises(
        BrokerError, match=r"No Kafka broker answers.*Or have one started: tracehound up --kafka embedded"
    ):
        chosen_broker("auto", Settings(bootstrap_servers="nowhere.invalid:9092")).__enter__()


def test_where_there_is_none_one_is_started_and_ends_with_it() -> None:
    (port,) = free_ports(1)
    with chosen_broker("auto", by_default(f"127.0.0.1:{port}")) as found:
        assert found.embedded
