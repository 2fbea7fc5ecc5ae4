"""Why Kafka denies a command something: what the user lacks of what the command's role needs."""

import re
from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaException

from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.streams.kafka.permissions import lacking_sentences
from tracehound.streams.settings.settings import load_settings

_ROLES: Final = {
    "deadletters resend": "operator",
    "deadletters": "reader",
    "feedback": "person",
    "incidents": "reader",
    "maintenance": "person",
    "models list": "reader",
    "models": "operator",
    "replay": "producer",
    "score": "predictions",
    "simulate": "producer",
    "status": "reader",
    "tail": "reader",
    "tune": "operator",
}
_MAY_BE_DENIED: Final = re.compile(r"uthoriz|does not exist|has no topic|No worker answered")
"""Kafka tells who may not see a topic that it is not there, and who may not use a group nothing at all."""


def told_by_kafka(error: Exception) -> BrokerError | None:
    """An error of Kafka's client as one of ours: it raises where it knows already that it may not, and else tells."""
    return BrokerError(f"Kafka refuses: {error.args[0].str()}.") if isinstance(error, KafkaException) else None


def why_denied(arguments: Sequence[str], error: TracehoundError) -> list[str]:
    """A sentence for each permission that a command lacked, where that may be why it failed; asks the brokers.

    Of several, those alone that are about what the error names.
    """
    role = _ROLES.get(" ".join(arguments[:2])) or _ROLES.get(" ".join(arguments[:1]))
    said = str(error)
    if role is None or not _MAY_BE_DENIED.search(said):
        return []
    try:
        sentences = lacking_sentences(load_settings(), role)
    except TracehoundError:  # (what was said is what matters)
        return []
    return [one for one in sentences if any(name in said for name in re.findall(r"'([^']+)'; ", one))] or sentences
