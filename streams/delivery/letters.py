"""Dead letters: about a record that was read and cannot be used, and about one that Kafka does not take."""

import structlog
from aiokafka import ConsumerRecord

from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.rejection import Rejection
from tracehound.streams.kafka.forwarding import without_origin
from tracehound.streams.kafka.publisher import Outgoing, RefusedError

FAILURE = "UnexpectedFailure"
"""The class of error of what should not have failed."""
_LONGEST_CAUSE = 300
_UNDECODABLE = frozenset({"NullValue", "OversizedRecord", "InvalidUtf8", "InvalidJson"})

log = structlog.get_logger(__name__)


def letter_of(
    record: ConsumerRecord, value: bytes | None, stage: str, error: str, reason: str, format: str = ""
) -> DeadLetter:
    """A dead letter about ``record``, with its original key and headers.

    Parameters:
        value: the refused bytes: the record's own, or those elements of it that are refused.
        stage: which part of tracehound refuses it.
        error: the class of the error.
        reason: one sentence with what, rule and value.
        format: what the record was recognised as, if that is to be known when the value is sent again.
    """
    return DeadLetter(
        value,
        record.key,
        record.topic,
        record.partition,
        record.offset,
        record.timestamp or 0,
        stage,
        error,
        reason,
        without_origin(record.headers) if record.headers else [],
        format,
    )


def failure_letter(record: ConsumerRecord, value: bytes | None, stage: str, error: Exception) -> DeadLetter:
    """A dead letter about a record that our own code fails on: a fault of tracehound, which must not end a process.

    The log says where; without this the record would be read again at each start, and end each process anew.
    """
    log.error(
        "record_failed",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        stage=stage,
        exc_info=error,
    )
    what = f"{type(error).__name__}: {error}"[:_LONGEST_CAUSE]
    reason = f"Tracehound failed on the record, which is a fault of its own and not of the record's: {what}."
    return letter_of(record, value, stage, FAILURE, reason)


def rejection_letter(record: ConsumerRecord, refused: Rejection) -> DeadLetter:
    """A dead letter about what decoding refused of ``record``: stage ``decode`` if it is no text or JSON at all."""
    return letter_of(record, refused.value_bytes, stage_of(refused), refused.error, refused.reason, refused.format)


def stage_of(refused: Rejection) -> str:
    """Which part of decoding refused something."""
    return "decode" if refused.error in _UNDECODABLE else "validate"


def unpublished_letter(outgoing: Outgoing, error: RefusedError) -> DeadLetter:
    """A dead letter about a record of our own that Kafka refuses for good."""
    return DeadLetter(
        value=outgoing.value,
        key=outgoing.key,
        topic=outgoing.topic,
        partition=outgoing.partition if outgoing.partition is not None else -1,
        offset=-1,
        timestamp_ms=outgoing.timestamp_ms or 0,
        stage="publish",
        error="RefusedByBroker",
        reason=str(error),
        headers=list(outgoing.headers),
    )
