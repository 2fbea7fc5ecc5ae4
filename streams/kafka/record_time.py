"""When a record was written, by its Kafka timestamp, where that says anything."""

from aiokafka import ConsumerRecord

EARLIEST_MS = 946_684_800_000
"""The year 2000: what is dated before it was not written then. −1 is Kafka's own word for no time; producers write 0,
the year 1, and seconds for milliseconds as well."""


def written_ms(record: ConsumerRecord) -> int | None:
    """The record's timestamp in epoch milliseconds, None where it is none.

    >>> [written_ms(ConsumerRecord("t", 0, 0, at, 0, None, None, None, 0, 0, ())) for at in (-1, 0, 1_790_000_000_000)]
    [None, None, 1790000000000]
    """
    timestamp: int | None = record.timestamp
    return None if timestamp is None or timestamp < EARLIEST_MS else timestamp


def judged_at_s(record: ConsumerRecord, now_s: float) -> float:
    """The epoch seconds that an event's future is judged against: the record's time, else the reader's ``now_s``."""
    at_ms = written_ms(record)
    return now_s if at_ms is None else at_ms / 1000.0
