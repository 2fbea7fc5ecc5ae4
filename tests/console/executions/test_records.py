"""Which records of executions count, and once: on their partition, believed in what they say of their origin."""

from collections.abc import Sequence

import msgspec
import pytest

from tracehound.console.executions.believed_origins import BelievedOrigins
from tracehound.console.executions.origins import CountedOrigins
from tracehound.console.executions.records import Counted, Message, RecordReader
from tracehound.schemas.control import CONTROL_HEADER
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.operations import normalize_operation
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.kafka.extent import Extent
from tracehound.streams.kafka.forwarding import Origin, OriginTopic, Partitioner, origin_headers
from tracehound.streams.kafka.odd_records import UNREAD_HEADER

NOW_S = 1_790_000_000.0
HERE = Partitioner(12).partition_of("shop")
ELSEWHERE = next(name for name in map(str, range(99)) if Partitioner(12).partition_of(name) != HERE)


def believed(extent: Extent | None = None) -> BelievedOrigins:
    def extent_of(topic: str) -> Extent:
        if extent is None:
            raise BrokerError("Nobody answers.")
        return extent

    return BelievedOrigins({"spans": OriginTopic(12, per_offset=100)}, extent_of, lambda: 0.0)


def value(application: str = "shop", operation: str = "GET /users/8231", duration_ms: float = 5.0) -> bytes:
    return msgspec.json.encode(
        {"application": application, "operation": operation, "started_at": NOW_S, "duration_ms": duration_ms}
    )


def read(
    messages: Sequence[tuple[bytes | None, Sequence[tuple[str, bytes]]]],
    origins: CountedOrigins | None = None,
    read_origin: BelievedOrigins | None = None,
) -> Counted:
    reader = RecordReader(
        *(12, Limits(), ExecutionReader(Limits()), normalize_operation, read_origin or believed(Extent("x", {3: 10})))
    )
    told = [Message(number, NOW_S, *message) for number, message in enumerate(messages)]
    return reader.read(HERE, told, origins or CountedOrigins())


def test_names_are_templates_and_fit_into_both_databases() -> None:
    counted = read([(value(), ()), (value(operation="a\0b"), ())])
    assert [one.operation for one in counted.executions] == ["GET /users/{id}", "a\ufffdb"]


@pytest.mark.parametrize("others", [[], [(b"nonsense", ())]])
def test_arrays_and_neighbours_of_what_is_refused_count(others: list[tuple[bytes, tuple[()]]]) -> None:
    array = b"[" + value() + b"," + value() + b"]"
    counted = read([(value(), ()), (array, ()), *others])
    assert (len(counted.executions), counted.refused) == (3, len(others))


def test_no_value_control_records_and_batches_that_are_not_unpacked_are_refused() -> None:
    counted = read([(None, ()), (value(), [(CONTROL_HEADER, b"reset")]), (value(), [(UNREAD_HEADER, b"Too large.")])])
    assert (counted.executions, counted.refused) == ([], 3)


def test_records_of_another_partition_count_there() -> None:
    counted = read([(value(ELSEWHERE), ()), (value(), ())])
    assert (len(counted.executions), counted.elsewhere) == (1, 1)


def test_what_is_sent_again_counts_once() -> None:
    sent = [(value(), origin_headers([], "spans", 3, number, "x")) for number in (1, 2, 2, 5, 1)]
    counted = read(sent)
    assert (len(counted.executions), counted.repeated) == (3, 2)
    origins = CountedOrigins()
    for origin in counted.origins:
        origins.note(HERE, origin)
    again = read([*sent, (value(), origin_headers([], "spans", 3, 6, "x"))], origins)
    assert (len(again.executions), again.repeated) == (1, 5)


@pytest.mark.parametrize(
    "origin",
    [
        Origin("spans", 3, 1_000, "x"),  # beyond the ten records that the topic holds, a hundred numbers for each
        Origin("spans", 3, 10**15, "x"),
        Origin("spans", 4, 1, "x"),
        Origin("spans", 3, 1, "another"),
        Origin("others", 3, 1, "x"),
    ],
)
def test_origins_that_are_not_there_make_nothing_known(origin: Origin) -> None:
    headers = origin_headers([], origin.topic, origin.partition, origin.offset, origin.topic_id)
    counted = read([(value(), headers), (value(), headers)])
    assert (len(counted.executions), counted.origins) == (2, [])


def test_a_cluster_that_does_not_answer_is_no_end_of_reading() -> None:
    of = believed()
    counted = read([(value(), origin_headers([], "spans", 3, 1))] * 3, read_origin=of)
    assert (len(counted.executions), of.refused) == (3, 3)
