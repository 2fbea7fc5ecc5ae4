"""Dead letters in rows: original bytes and key, where they came from and why; each once, by a digest of that."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import blake2b

import msgspec
from sqlalchemy import Connection

from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.writer import Row, name_of, words_of_people, write_events
from tracehound.console.store.tables import dead_letters
from tracehound.schemas.dead_letter import TRUNCATED_HEADER, DeadLetter, read_dead_letter

_LARGEST = 2**63 - 1
_LONGEST_NUMBER = 19


class DeadLetterWriter:
    """Topic ``dead-letters.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        letter = read_dead_letter(record.value, record.key, record.headers)
        headers = msgspec.json.encode([[name, b64encode(content).decode()] for name, content in letter.headers])
        return {
            "id": _digest(letter),
            "time_us": record.told_us,
            "told_us": record.told_us,
            "source_topic": name_of(letter.topic),
            "source_partition": _whole(letter.partition),
            "source_offset": _whole(letter.offset),
            "source_time_us": _whole(letter.timestamp_ms * 1_000),
            "stage": name_of(letter.stage),
            "error": name_of(letter.error),
            "reason": words_of_people(letter.reason),
            "format": name_of(letter.format),
            "cut_from": _cut_from(record),
            "key": letter.key,
            "value": letter.value,
            "headers": words_of_people(headers.decode()),
            "position_partition": record.partition,
            "position_offset": record.offset,
            "bytes": record.bytes + len(headers),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        return len(write_events(connection, dead_letters, rows))


def _digest(letter: DeadLetter) -> str:
    """What a refused record was and why it was refused; where it is on the topic of dead letters is no part of that."""
    said = (letter.topic, letter.partition, letter.offset, letter.timestamp_ms, letter.stage, letter.error)
    found = blake2b(msgspec.msgpack.encode((*said, letter.reason, letter.value, letter.key)), digest_size=16)
    return found.hexdigest()


def _cut_from(record: Record) -> int | None:
    """How many bytes the value had, where it was too long even for the dead letters."""
    said = dict(record.headers).get(TRUNCATED_HEADER)
    return int(said) if said is not None and said.isdigit() and len(said) < _LONGEST_NUMBER else None


def _whole(number: int) -> int:
    if not -_LARGEST <= number <= _LARGEST:
        raise ValueError(f"a number in its headers must have at most 63 bits, it is {number}")
    return number
