import base64
import socket
from pathlib import PurePosixPath

import pytest

from tracehound.infra.kafka.cluster import (
    Address,
    choose_addresses,
    new_cluster_id,
    server_properties,
    wait_for_members,
)
from tracehound.infra.kafka.embedded import EmbeddedBroker
from tracehound.schemas.errors import BrokerError


@pytest.mark.parametrize(
    ("brokers", "replicas", "in_sync"), [(1, "1", "1"), (2, "2", "1"), (3, "3", "2"), (5, "3", "2")]
)
def test_settings_follow_the_number_of_brokers(brokers: int, replicas: str, in_sync: str) -> None:
    cluster = [Address(node, 20_000 + node, 21_000 + node) for node in range(1, brokers + 1)]
    settings = server_properties(cluster[0], cluster, PurePosixPath("/data of a broker"))
    assert settings["offsets.topic.replication.factor"] == replicas
    assert settings["default.replication.factor"] == replicas
    assert settings["min.insync.replicas"] == in_sync
    assert settings["auto.create.topics.enable"] == "false"
    assert settings["controller.quorum.voters"].startswith("1@127.0.0.1:21001")
    assert settings["controller.quorum.voters"].count("@") == brokers
    assert settings["log.dirs"] == "/data of a broker"


def test_a_wanted_port_is_taken_as_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(BrokerError, match=f"port {port} of 127.0.0.1 is taken"):
            choose_addresses(1, port)
    assert [address.client_port for address in choose_addresses(1, port)] == [port]


@pytest.mark.parametrize("brokers", [0, 10])
def test_the_number_of_brokers_has_bounds(brokers: int) -> None:
    with pytest.raises(BrokerError, match=f"must be from 1 to 9. Got {brokers} instead"):
        choose_addresses(brokers, None)


def test_waiting_ends_when_the_members_are_there() -> None:
    with EmbeddedBroker() as broker:
        port = int(broker.bootstrap_servers.rsplit(":", 1)[1])
        wait_for_members([Address(1, port, 0)], 20, lambda: None)
        with pytest.raises(BrokerError, match=f"does not serve at 127.0.0.1:{port} after 0.3 s"):
            wait_for_members([Address(2, port, 0)], 0.3, lambda: None)
        with pytest.raises(BrokerError, match="it fell over"):
            wait_for_members([Address(2, port, 0)], 20, lambda: "it fell over")


def test_no_id_of_a_cluster_is_taken_for_an_option() -> None:
    ids = {new_cluster_id() for _ in range(300)}
    assert len(ids) == 300
    assert {one[:1] for one in ids} == {"T"}
    assert all(len(base64.urlsafe_b64decode(one + "==")) == 16 for one in ids)
