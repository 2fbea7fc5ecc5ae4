import socket
from pathlib import Path

import pytest

from tracehound.infra.kafka.cluster import Address
from tracehound.infra.kafka.container import DockerKafka, container_environment, why_no_engine
from tracehound.schemas.errors import BrokerError


def test_containers_reach_each_other_by_name_and_clients_the_published_port() -> None:
    cluster = [Address(1, 20_001, 21_001), Address(2, 20_002, 21_002), Address(3, 20_003, 21_003)]
    environment = container_environment(cluster[1], cluster, "some-cluster")
    assert environment["CLUSTER_ID"] == "some-cluster"
    assert environment["KAFKA_NODE_ID"] == "2"
    assert environment["KAFKA_CONTROLLER_QUORUM_VOTERS"] == "1@kafka-1:9093,2@kafka-2:9093,3@kafka-3:9093"
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:20002,INTERNAL://kafka-2:19092"
    assert environment["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
    names = {listener.split("://")[0] for listener in environment["KAFKA_LISTENERS"].split(",")}
    assert names == {pair.split(":")[0] for pair in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")}


@pytest.mark.parametrize("listening", [True, False])
def test_an_engine_that_does_not_answer_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listening: bool
) -> None:
    address = f"unix://{tmp_path}/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", address)
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(f"{tmp_path}/docker.sock")
        if listening:
            engine.listen()  # and never answers
        reason = why_no_engine()
        assert reason is not None
        assert reason.startswith(f"no Docker engine answers at {address}")
        with pytest.raises(BrokerError, match="cannot run in Docker: no Docker engine answers"):
            DockerKafka()
