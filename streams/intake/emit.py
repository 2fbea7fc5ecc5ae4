"""Executions that the join emits, as records for the scoring workers."""

from collections.abc import Iterator, Sequence

from tracehound.schemas.codec import encode
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.intake.assembly.bounds import bounded
from tracehound.streams.intake.closing import Told
from tracehound.streams.intake.columned.written import Written
from tracehound.streams.kafka.forwarding import NUMBERS_PER_OFFSET, Partitioner, origin_headers
from tracehound.streams.kafka.publisher import Outgoing

RECORD_BYTES = 500_000
"""A record is begun anew beyond this."""
_LIMITS = Limits()


class Emitter:
    """Makes records of ``executions.v1``, whose origin says which record of the spans topic led to them.

    The sequence in the origin follows from the offset alone: intake that replays after a crash emits the same
    executions under the same numbers, and scoring takes each number of a source once.

    Parameters:
        spans_topic: named as the origin.
        executions_topic: where the records go.
        partitions: how many partitions that has.
        limits: what workers take; executions are kept within it.
    """

    def __init__(self, spans_topic: str, executions_topic: str, partitions: int, limits: Limits = _LIMITS) -> None:
        self.limits = limits
        self._spans_topic = spans_topic
        self._topic = executions_topic
        self._partitioner = Partitioner(partitions)

    def records(self, partition: int, offset: int, executions: Sequence[Told], topic_id: str = "") -> list[Outgoing]:
        """The records for what the record at ``offset`` led to: arrays of one application, in the order given.

        ``topic_id`` says which spans topic it is, since offsets begin again where that is made anew.
        """
        by_application: dict[str, list[bytes]] = {}
        for execution in executions:
            by_application.setdefault(execution.application, []).append(self._encoded(execution))
        made: list[Outgoing] = []
        for application, encoded in by_application.items():
            target = self._partitioner.partition_of(application)
            for value in _arrays(encoded):
                sequence = offset * NUMBERS_PER_OFFSET + len(made)
                headers = origin_headers((), self._spans_topic, partition, sequence, topic_id)
                made.append(Outgoing(self._topic, application.encode(), value, headers, target))
        return made

    def _encoded(self, execution: Told) -> bytes:
        if isinstance(execution, Written):  # it is within limits
            return execution.encoded
        most, most_bytes = self.limits.max_segments, self.limits.max_event_bytes
        encoded = encode(execution)
        if len(execution.segments) <= most and len(encoded) <= most_bytes:
            return encoded
        return encode(bounded(execution, most, most_bytes))


def _arrays(encoded: Sequence[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for one in encoded:
        if waiting and size + len(one) > RECORD_BYTES:
            yield _array(waiting)
            waiting, size = [], 0
        waiting.append(one)
        size += len(one) + 1
    yield _array(waiting)


def _array(encoded: Sequence[bytes]) -> bytes:
    return encoded[0] if len(encoded) == 1 else b"[" + b",".join(encoded) + b"]"
