import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest

from tracehound.schemas.errors import BrokerError
from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.spans import TraceChunk
from tracehound.schemas.topics import Topics
from tracehound.scripts.kafka.clients import producer_config
from tracehound.scripts.recorded.sending import ExecutionSender, TraceSender, connect, unjoined
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.simulation import Simulation
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.settings.settings import Settings

TOPIC = Topics().executions
TRACES = Topics().traces


class FakeProducer:
    """Keeps what is produced; the queue holds ``room`` records until it is polled with a timeout."""

    def __init__(self, room: int = 1_000, error: str | None = None, topic: str = TOPIC.name) -> None:
        self._topic = topic
        self.records: list[tuple[bytes | None, bytes]] = []
        self.room = room
        self._free = room
        self._error = error
        self._reports: list[Callable[[object, object], None]] = []
        self.unacknowledged = 0

    def produce(
        self, topic: str, value: bytes, key: bytes | None, *, on_delivery: Callable[[object, object], None]
    ) -> None:
        assert topic == self._topic
        if self._free == 0:
            raise BufferError
        self._free -= 1
        self.records.append((key, value))
        self._reports.append(on_delivery)

    def poll(self, timeout: float) -> int:
        if timeout > 0:
            self._free = self.room
        for report in self._reports:
            report(self._error, None)
        self._reports.clear()
        return 0

    def flush(self, timeout: float) -> int:
        self.poll(timeout)
        return self.unacknowledged


def execution(application: str, number: int) -> Execution:
    return Execution(application, "GET /", float(number), 1.0)


def starts(value: bytes) -> list[float]:
    return [found.started_s for found in msgspec.json.decode(value, type=list[Execution])]


def test_executions_of_one_application_share_records_in_their_order() -> None:
    producer = FakeProducer()
    sender = ExecutionSender(producer, TOPIC, batch=2)

    for number in range(5):
        sender.send(execution("cart", number))
        sender.send(execution("orders", number))
    sender.close()

    by_key = [(key, starts(value)) for key, value in producer.records]
    assert [found for key, found in by_key if key == b"cart"] == [[0.0, 1.0], [2.0, 3.0], [4.0]]
    assert [found for key, found in by_key if key == b"orders"] == [[0.0, 1.0], [2.0, 3.0], [4.0]]
    assert (sender.executions, sender.records) == (10, 6)


def test_without_batching_a_record_is_one_execution_not_an_array() -> None:
    producer = FakeProducer()
    sender = ExecutionSender(producer, TOPIC)

    sender.send(execution("cart", 7))

    assert msgspec.json.decode(producer.records[0][1], type=Execution) == execution("cart", 7)


def test_a_record_stays_under_the_limit_of_bytes() -> None:
    producer = FakeProducer()
    sender = ExecutionSender(producer, TOPIC, batch=1_000, max_record_bytes=500)

    for number in range(50):
        sender.send(execution("cart", number))
    sender.close()

    assert max(len(value) for _, value in producer.records) <= 500
    assert [start for _, value in producer.records for start in starts(value)] == [float(n) for n in range(50)]
    assert sender.records < 25


def test_a_full_queue_holds_the_sender_back_and_loses_nothing() -> None:
    producer = FakeProducer(room=2)
    sender = ExecutionSender(producer, TOPIC)

    for number in range(9):
        sender.send(execution("cart", number))
    sender.close()

    assert len(producer.records) == 9


def test_a_refused_record_is_an_error() -> None:
    sender = ExecutionSender(FakeProducer(error="MSG_SIZE_TOO_LARGE"), TOPIC)

    sender.send(execution("cart", 0))

    with pytest.raises(BrokerError, match=r"executions\.v1: MSG_SIZE_TOO_LARGE"):
        sender.send(execution("cart", 1))


def test_records_that_are_never_acknowledged_are_an_error() -> None:
    producer = FakeProducer()
    producer.unacknowledged = 3
    sender = ExecutionSender(producer, TOPIC)

    with pytest.raises(BrokerError, match="did not acknowledge 3 records"):
        sender.close(timeout_s=1.0)


def of_trace(trace_id: str, number: int) -> Execution:
    return Execution(f"a{number}", "GET /", float(number), 1.0, trace_id)


def test_executions_of_one_trace_share_records_once_enough_wait() -> None:
    producer = FakeProducer(topic=TRACES.name)
    sender = TraceSender(producer, TRACES, batch=4)

    for number in range(5):
        sender.send(of_trace("t1" if number % 2 else "t2", number))
    assert len(producer.records) == 2
    sender.send(of_trace("", 5))
    sender.close()

    assert [(key, starts(value)) for key, value in producer.records] == [
        *((b"t2", [0.0, 2.0]), (b"t1", [1.0, 3.0]), (b"t2", [4.0]), (None, [5.0])),
    ]
    assert sender.summary() == "6 executions in 4 records"


def test_flushing_starts_counting_anew() -> None:
    producer = FakeProducer(topic=TRACES.name)
    sender = TraceSender(producer, TRACES, batch=2)

    sender.send(of_trace("t", 0))
    sender.flush()
    sender.send(of_trace("t", 1))
    assert len(producer.records) == 1
    sender.send(of_trace("t", 2))

    assert [starts(value) for _, value in producer.records] == [[0.0], [1.0, 2.0]]


def test_without_batching_an_execution_of_a_trace_is_no_array() -> None:
    producer = FakeProducer(topic=TRACES.name)
    sender = TraceSender(producer, TRACES)

    sender.send(of_trace("t", 3))

    assert msgspec.json.decode(producer.records[0][1], type=Execution) == of_trace("t", 3)


def test_joining_finds_out_what_was_left_out_for_it() -> None:
    stream = iter(Simulation(build_system(6, 1), 1, 100.0, 1.7e9))
    by_trace: dict[str, list[Execution]] = {}
    for emitted in (next(stream) for _ in range(300)):
        by_trace.setdefault(emitted.execution.trace_id, []).append(emitted.execution)
    del by_trace[emitted.execution.trace_id]  # the last may be cut off
    calls = 0

    for trace_id, executions in by_trace.items():
        sent = [unjoined(execution) for execution in executions]
        assert all(segment.remote_ms is None for one in sent for segment in one.segments)
        found = {one.span_id: one for one in assemble(trace_id, [TraceChunk(executions=sent)]).executions}
        for execution in executions:
            expected = [segment.remote_ms for segment in execution.segments]
            assert [segment.remote_ms for segment in found[execution.span_id].segments] == pytest.approx(expected)
            calls += len(expected) - expected.count(None)
    assert calls > 50


def test_the_execution_itself_keeps_what_is_left_out() -> None:
    execution = Execution("shop", "GET /", 0.0, 9.0, segments=[Segment("GET /", 5.0, "http", remote_ms=4.0)])

    unjoined(execution)

    assert execution.segments[0].remote_ms == 4.0
    assert unjoined(of_trace("t", 1)) == of_trace("t", 1)


def test_no_broker_is_said_with_its_address() -> None:
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1\b"):
        connect(producer_config(Settings(bootstrap_servers="127.0.0.1:1")), TOPIC, timeout_s=0.5)


def _refuse(server: socket.socket) -> None:
    """Answers each client with what is no TLS, until the server is shut down."""
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            with client, suppress(OSError):
                client.recv(1)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_who_is_not_admitted_is_told_why_and_not_that_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        refusing = threading.Thread(target=_refuse, args=(server,))
        refusing.start()
        try:
            address = f"127.0.0.1:{server.getsockname()[1]}"
            config = producer_config(Settings(bootstrap_servers=address, security_protocol="SSL"))
            with pytest.raises(BrokerError, match="SSL handshake failed"):
                connect(config, TOPIC, timeout_s=120.0)
        finally:
            server.shutdown(socket.SHUT_RDWR)
            refusing.join()
