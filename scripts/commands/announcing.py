"""Sends what a person says to its topic, checked as its reader will check it, and waits until it is safe."""

import getpass
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

import msgspec
from confluent_kafka import Producer

from tracehound.infra.kafka.topics import check_there
from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.schemas.topics import Topic
from tracehound.scripts.kafka.clients import admin_config, producer_config
from tracehound.streams.settings.settings import Settings

FLUSH_S = 30.0
"""How long the broker may take."""

Said = TypeVar("Said", bound=msgspec.Struct)


def checked(said: Said, kind: type[Said]) -> Said:
    """What is said, if its reader will take it.

    Raises:
        TracehoundError: a part of it is too long, empty, or out of range; the message names it.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(said), kind)
    except msgspec.ValidationError as error:
        raise TracehoundError(f"This cannot be sent: {error}.") from error


def announce(
    settings: Settings, topic: Topic, key: str, said: msgspec.Struct, headers: Sequence[tuple[str, bytes]] = ()
) -> None:
    """Send one record, keyed by ``key``, and wait until the broker has it.

    Raises:
        BrokerError: no broker answers, or it did not take the record.
        ConfigurationError: the topic is not there; it is not made by the way.
    """
    check_there(admin_config(settings), topic, FLUSH_S)
    failures: list[str] = []
    producer = Producer(producer_config(settings))
    producer.produce(
        topic.name,
        msgspec.json.encode(said),
        key.encode(),
        headers=list(headers),
        on_delivery=lambda error, _: failures.append(str(error)) if error is not None else None,
    )
    left = producer.flush(FLUSH_S)
    if failures or left:
        why = failures[0] if failures else f"no acknowledgement within {FLUSH_S:.0f} s"
        raise BrokerError(f"The broker at {settings.bootstrap_servers} did not take the record: {why}.")


def user_name() -> str:
    """Who says it: the name of this account.

    Raises:
        TracehoundError: it has none, as in containers.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise TracehoundError(f"This account has no name: say who you are with --by ({error}).") from error


def known_user() -> str:
    """Who says it, where that is known: the name of this account, or nothing."""
    with suppress(TracehoundError):
        return user_name()
    return ""
