"""Stores records of the output topics as the reader does."""

from collections.abc import Sequence

from tests.console.store.reader.told import TOPICS, record
from tracehound.console.store.engine import Store
from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers import writers

WRITERS = writers(TOPICS)


def tell(store: Store, topic: str, *values: bytes) -> None:
    """Store values of a topic, which is named as in ``Topics``."""
    name = getattr(TOPICS, topic).name
    tell_records(store, [record(name, value, offset) for offset, value in enumerate(values)])


def tell_records(store: Store, records: Sequence[Record]) -> None:
    """Store records of one topic."""
    writer = WRITERS[records[0].topic]
    with store.write() as connection:
        writer.write(connection, [writer.row(one) for one in records])
