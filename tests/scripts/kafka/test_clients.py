"""Client configurations made from the settings."""

from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from tracehound.scripts.kafka.clients import admin_config, consumer_config, producer_config
from tracehound.streams.settings.settings import Settings

SECURE = {
    "bootstrap_servers": "broker:9093",
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_username": "tracehound",
    "sasl_password": "secret",
    "ssl_ca_file": Path("ca.pem"),
}


@pytest.mark.parametrize("make", [admin_config, producer_config, consumer_config])
def test_security_passes_through(make: object) -> None:
    assert callable(make)
    config = make(Settings.model_validate(SECURE))
    assert config["bootstrap.servers"] == "broker:9093"
    assert config["security.protocol"] == "SASL_SSL"
    assert config["sasl.mechanism"] == "SCRAM-SHA-512"
    assert config["sasl.username"] == "tracehound"
    assert config["sasl.password"] == "secret"
    assert config["ssl.ca.location"] == "ca.pem"


def test_without_security_no_secret_is_handed_over() -> None:
    config = producer_config(Settings.model_validate({"sasl_password": "secret"}))
    assert "secret" not in config.values()
    assert not [name for name in config if name.startswith(("sasl.", "ssl."))]


def test_producers_are_safe_and_partition_as_java_does() -> None:
    config = producer_config(Settings.model_validate({"max_record_bytes": 20_000_000}))
    assert config["partitioner"] == "murmur2_random"
    assert config["acks"] == "all"
    assert config["enable.idempotence"] is True
    assert config["max.in.flight.requests.per.connection"] == 1
    assert int(config["message.max.bytes"]) > 20_000_000


def test_consumers_commit_nothing() -> None:
    assert consumer_config(Settings())["enable.auto.commit"] is False


@pytest.mark.parametrize("largest", [1_000, 100_000_000])
def test_the_clients_accept_them(largest: int) -> None:
    settings = Settings.model_validate({"max_record_bytes": largest})
    AdminClient(admin_config(settings))
    Producer(producer_config(settings))
    Consumer(consumer_config(settings)).close()
