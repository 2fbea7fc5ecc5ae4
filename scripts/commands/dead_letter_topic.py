"""Stored dead letters: finding, filtering and sending them again."""

import re
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import ConsumerRecord

from tracehound.schemas.dead_letter import TRUNCATED_HEADER, DeadLetter, read_dead_letter
from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.delivery.resending import resent_headers, why_not_resendable

_ID = re.compile(r"(?:(?P<topic>[A-Za-z0-9._-]+)-)?(?P<partition>\d{1,9})-(?P<offset>\d{1,18})")
_FLUSH_S = 30.0


@dataclass(frozen=True, slots=True, order=True)
class LetterId:
    """Where a dead letter is stored; written topic-partition-offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}-{self.offset}"

    @classmethod
    def parse(cls, text: str, topic: str) -> "LetterId":
        """Read topic-partition-offset, or partition-offset for ``topic``.

        Raises:
            TracehoundError: it is neither, or it names another topic.

        >>> str(LetterId.parse("3-17", "dead-letters.v1"))
        'dead-letters.v1-3-17'
        """
        found = _ID.fullmatch(text)
        if found is None or found["topic"] not in (None, topic):
            raise TracehoundError(f"The id of a dead letter must be {topic}-PARTITION-OFFSET. Got {text!r} instead.")
        return cls(topic, int(found["partition"]), int(found["offset"]))


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A dead letter with its id and when it was stored, in epoch seconds.

    ``cut_from`` is how many bytes its value had, if it was too long even for the dead letters.
    """

    id: LetterId
    stored_s: float
    letter: DeadLetter
    cut_from: str | None = None

    def why_not_resendable(self, inputs: Set[str]) -> str | None:
        """A sentence if it cannot be sent again to one of the topics ``inputs``."""
        return why_not_resendable(str(self.id), self.letter, self.cut_from, inputs)


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which dead letters are meant; None means any. ``application`` is the key as text."""

    error: str | None = None
    application: str | None = None
    since_s: float | None = None

    def __call__(self, stored: StoredLetter) -> bool:
        """Whether a dead letter is meant."""
        letter = stored.letter
        return (
            self.error in (None, letter.error)
            and (self.application is None or letter.key == self.application.encode())
            and (self.since_s is None or stored.stored_s >= self.since_s)
        )


def read_stored(message: ConsumerRecord) -> StoredLetter | None:
    """The dead letter in a record; None if the record is none."""
    headers = message.headers
    try:
        letter = read_dead_letter(message.value, message.key, headers)
    except ValueError:
        return None
    identity = LetterId(message.topic, message.partition, message.offset)
    cut_from = dict(headers).get(TRUNCATED_HEADER)
    text = None if cut_from is None else cut_from.decode(errors="replace")
    return StoredLetter(identity, message.timestamp / 1_000, letter, text)


def scan_letters(reader: TopicReader, topic: str, wanted: LetterFilter) -> Iterator[StoredLetter]:
    """The dead letters stored until now that are wanted, oldest first within a partition.

    Raises:
        BrokerError: no broker answers, or the topic does not exist.
    """
    for message in reader.scan(topic, reader.ends(topic)):
        stored = read_stored(message)
        if stored is not None and wanted(stored):
            yield stored


def letters_since(reader: TopicReader, topic: str, since_s: float) -> Iterator[StoredLetter]:
    """The dead letters stored from a time (epoch seconds) on.

    Raises:
        BrokerError: no broker answers, or the topic does not exist.
    """
    for message in reader.scan_since(topic, since_s):
        stored = read_stored(message)
        if stored is not None:
            yield stored


def fetch_letters(reader: TopicReader, topic: str, identities: Iterable[LetterId]) -> Iterator[StoredLetter]:
    """The dead letters with these ids, in order within a partition.

    Raises:
        TracehoundError: there is none with one of the ids (any more); for what is outside of the topic before
            anything is yielded.
        BrokerError: no broker answers, or the topic does not exist.
    """
    missing = set(identities)
    ends = reader.ends(topic)
    windows: dict[int, tuple[int, int]] = {}
    for identity in missing:
        low, high = ends.get(identity.partition, (0, 0))
        if not low <= identity.offset < high:
            raise _no_letter(identity)
        first, end = windows.get(identity.partition, (identity.offset, identity.offset + 1))
        windows[identity.partition] = (min(first, identity.offset), max(end, identity.offset + 1))
    for message in reader.scan(topic, windows):
        stored = read_stored(message)
        if stored is not None and stored.id in missing:
            missing.remove(stored.id)
            yield stored
    if missing:
        raise _no_letter(min(missing))


def _no_letter(identity: LetterId) -> TracehoundError:
    return TracehoundError(f"There is no dead letter {identity}; retention may have deleted it.")


class KafkaProducer(Protocol):
    """The part of ``confluent_kafka.Producer`` that is needed."""

    def produce(self, topic: str, **record: Any) -> None:
        """Queue a record; BufferError when the queue is full."""
        ...

    def poll(self, timeout: float) -> int:
        """Serve delivery reports for up to ``timeout`` seconds."""
        ...

    def flush(self, timeout: float) -> int:
        """Wait for deliveries; returns how many records are still queued."""
        ...


def resend_letters(letters: Iterable[StoredLetter], producer: KafkaProducer, inputs: Set[str]) -> int:
    """Send dead letters to where they came from, with their own key and headers, and wait for acknowledgement.

    Our headers are taken off; ``tracehound_resent`` says which dead letter it was, and ``tracehound_format`` stays.

    Returns:
        How many were sent.

    Raises:
        TracehoundError: one of them cannot be sent again to one of the topics ``inputs``; those before it were.
        BrokerError: the broker did not take all of them.
    """
    failures: list[str] = []
    sent = 0
    try:
        for stored in letters:
            if why := stored.why_not_resendable(inputs):
                raise TracehoundError(why)
            _produce(stored, producer, lambda error, _: failures.append(str(error)) if error else None)
            sent += 1
    finally:
        left = producer.flush(_FLUSH_S)
    if failures or left:
        why = failures[0] if failures else f"no acknowledgement within {_FLUSH_S:.0f} s"
        raise BrokerError(f"The broker did not take {len(failures) + left} of {sent} records: {why}.")
    return sent


def _produce(stored: StoredLetter, producer: KafkaProducer, on_delivery: Callable[[Any, Any], None]) -> None:
    letter = stored.letter
    headers = resent_headers(str(stored.id), letter)
    while True:
        try:
            producer.produce(letter.topic, value=letter.value, key=letter.key, headers=headers, on_delivery=on_delivery)
        except BufferError:
            producer.poll(1.0)
        else:
            producer.poll(0)
            return
