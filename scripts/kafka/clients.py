"""How the commands talk to Kafka: confluent-kafka configurations from settings, security passed through."""

from typing import TypeAlias

from tracehound.streams.kafka.librdkafka import librdkafka_options, producer_options
from tracehound.streams.settings.roles import COMMANDS_GROUP
from tracehound.streams.settings.settings import Settings

ClientConfig: TypeAlias = dict[str, str | int | float | bool]
"""librdkafka properties, as confluent-kafka's clients take them. May hold a password: never log it."""


def _connection(settings: Settings) -> ClientConfig:
    return librdkafka_options(settings) | {
        "client.id": "tracehound",
        "log_level": 0,  # librdkafka would write to stderr; errors reach the callbacks
    }


def admin_config(settings: Settings) -> ClientConfig:
    """For ``AdminClient``: connection and security.

    >>> admin_config(Settings(bootstrap_servers="broker:9092"))["bootstrap.servers"]
    'broker:9092'
    """
    return _connection(settings)


def producer_config(settings: Settings) -> ClientConfig:
    """For ``Producer``: acknowledged by all replicas, idempotent, partitioned as Java clients do (murmur2).

    >>> producer_config(Settings())["partitioner"]
    'murmur2_random'
    """
    return _connection(settings) | producer_options(settings)


def consumer_config(settings: Settings, *, group_id: str = COMMANDS_GROUP) -> ClientConfig:
    """For a ``Consumer`` that asks what there is; it is assigned nothing, for librdkafka unpacks without a bound."""
    return _connection(settings) | {"group.id": group_id, "enable.auto.commit": False}
