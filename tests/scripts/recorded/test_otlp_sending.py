from collections.abc import Callable

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tracehound.schemas.errors import BrokerError
from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.spans import Span
from tracehound.schemas.topics import Topics
from tracehound.scripts.recorded.otlp_encoding import encode_protobuf
from tracehound.scripts.recorded.otlp_sending import LINGER_S, OtlpSender
from tracehound.streams.intake.assembly.executions import Trace
from tracehound.streams.intake.assembly.identity import ROOT

(TOPIC,) = Topics().otlp


class FakeProducer:
    """Keeps what is produced, and reports it as delivered or failed at once."""

    def __init__(self, error: str | None = None) -> None:
        self.values: list[bytes] = []
        self._error = error

    def produce(
        self, topic: str, value: bytes, key: bytes | None, *, on_delivery: Callable[[object, object], None]
    ) -> None:
        assert (topic, key) == (TOPIC.name, None)
        self.values.append(value)
        on_delivery(self._error, None)

    def poll(self, timeout: float) -> int:
        return 0

    def flush(self, timeout: float) -> int:
        return 0

    def records(self) -> list[dict[str, list[str]]]:
        """For each record the names of spans by host, or by service where there is no host."""
        return [
            {
                of_resource.resource.attributes[-1].value.string_value: [
                    span.name for scope in of_resource.scope_spans for span in scope.spans
                ]
                for of_resource in TracesData.FromString(value).resource_spans
            }
            for value in self.values
        ]


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def sender(producer: FakeProducer, clock: Clock | None = None, **options: int) -> OtlpSender:
    return OtlpSender(producer, TOPIC, encode_protobuf, clock=clock or Clock(), **options)


def execution(application: str, number: int, host: str = "") -> Execution:
    return Execution(application, f"{application} {number}", 1.0, 1.0, f"t{number}", host=host)


def test_a_service_exports_for_itself_and_the_rest_shares_records() -> None:
    producer = FakeProducer()
    sending = sender(producer, batch=3)

    for number in range(4):
        sending.send(execution("cart", number))
        sending.send(execution("shop", number))
    sending.close()

    records = producer.records()
    assert [{service: len(names) for service, names in record.items()} for record in records] == [
        *({"cart": 3}, {"shop": 3}, {"cart": 1, "shop": 1}),
    ]
    assert sorted(name for record in records for names in record.values() for name in names) == [
        f"{service} {number}" for service in ("cart", "shop") for number in range(4)
    ]
    assert sending.summary() == "8 spans in 3 records"


def test_spans_of_one_trace_come_in_different_records() -> None:
    spans = [
        Span("shop", "GET /", ROOT, 0.0, 9.0),
        Span("cart", "GET /", 0, 1.0, 7.0),
        Span("cart", "SQL", 1, 2.0, 5.0),
    ]
    producer = FakeProducer()
    sending = sender(producer, batch=2)

    sending.send_trace(Trace("t", 1e15, spans))
    sending.close()

    assert [{service: sorted(names) for service, names in record.items()} for record in producer.records()] == [
        *({"cart": ["GET /", "SQL"]}, {"shop": ["GET /"]}),
    ]


def test_spans_are_grouped_by_resource_and_in_no_order_but_always_the_same() -> None:
    def sent(seed: int) -> list[dict[str, list[str]]]:
        producer = FakeProducer()
        sending = sender(producer, batch=100, seed=seed)
        for number in range(60):
            sending.send(execution("cart", number, f"cart-{number % 2}"))
        sending.close()
        return producer.records()

    (record,) = sent(0)
    expected = {f"cart-{host}": [f"cart {number}" for number in range(host, 60, 2)] for host in (0, 1)}
    assert {host: sorted(names) for host, names in record.items()} == {
        host: sorted(names) for host, names in expected.items()
    }
    assert record != expected
    assert sent(0) == [record]
    assert sent(1) != [record]


def test_an_execution_of_many_segments_is_cut_into_records() -> None:
    producer = FakeProducer()
    sending = sender(producer, batch=10)
    segments = [Segment(f"s{number}", 0.01, "code", 0.01 * number) for number in range(34)]

    sending.send(Execution("shop", "GET /", 1.0, 1.0, segments=segments))
    sending.close()

    assert [len(names) for record in producer.records() for names in record.values()] == [10, 10, 10, 5]


def test_what_waits_leaves_after_a_while_even_at_full_speed() -> None:
    producer, clock = FakeProducer(), Clock()
    sending = sender(producer, clock)

    sending.send(execution("rare", 0))
    clock.now_s = LINGER_S / 2
    sending.send(execution("cart", 0))
    assert producer.values == []
    clock.now_s = LINGER_S
    sending.send(execution("cart", 1))
    clock.now_s *= 1.9
    sending.send(execution("cart", 2))

    assert [{service: len(names) for service, names in record.items()} for record in producer.records()] == [
        {"rare": 1, "cart": 2}
    ]


def test_a_record_stays_under_the_limit_of_bytes() -> None:
    producer = FakeProducer()
    sending = sender(producer, batch=100, max_record_bytes=1_000)

    for number in range(100):
        sending.send(execution("cart", number))
    sending.close()

    assert max(map(len, producer.values)) <= 1_000
    assert sum(len(names) for record in producer.records() for names in record.values()) == 100
    assert sending.records == len(producer.values) < 40


def test_a_refused_record_is_an_error() -> None:
    sending = sender(FakeProducer(error="MSG_SIZE_TOO_LARGE"))

    sending.send(execution("cart", 0))

    with pytest.raises(BrokerError, match="otlp_spans: MSG_SIZE_TOO_LARGE"):
        sending.flush()
