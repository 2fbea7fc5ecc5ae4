"""What people say, log events with what is kept of their templates, and what notifiers commit: taken or refused."""

import contextlib
from typing import Any

import msgspec
from aiokafka import ConsumerRecord
from prometheus_client import CollectorRegistry

from tests.detectors.incidents.records import anomaly, progress, wrapped
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.codec import decode_record, encode
from tracehound.schemas.errors import SnapshotError, UnknownSubjectError
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.feedback import Maintenance, Verdict
from tracehound.schemas.incident_input import encode_input
from tracehound.schemas.rejection import RecordError
from tracehound.schemas.topics import Topics
from tracehound.streams.incidents.hear_people import Hearing
from tracehound.streams.incidents.metrics import IncidentMetrics
from tracehound.streams.intake.logs.otlp import decode_log_request
from tracehound.streams.intake.logs.partition_logs import LogRules, PartitionLogs
from tracehound.streams.notify.offsets import nothing_owed, read_commit
from tracehound.streams.states.placed_states import PlacedState, PlacedStates

_NOW_S = 1_790_000_000.0
_LIMITS = Limits()
_TOPICS = Topics()
_INPUTS = [wrapped(anomaly("shop", 0.0)), wrapped(progress("shop", 20.0))]
_DELIVERY: Any = None
_HEARING = Hearing(
    _DELIVERY, _TOPICS, IncidentMetrics(CollectorRegistry()), 30 * 86_400.0, lambda: None, lambda: _NOW_S
)


def said() -> list[bytes]:
    """Verdicts and maintenance windows."""
    return [
        encode(Verdict("a1", "false_positive", _NOW_S, by="me", note="As every night.")),
        encode(Verdict("a1", "confirmed", _NOW_S, withdrawn=True)),
        encode(Maintenance("w1", _NOW_S - 60.0, _NOW_S + 3_600.0, "shop", learn=True, by="me")),
        encode(Maintenance("w1", _NOW_S - 60.0, _NOW_S + 3_600.0, environment="*", withdrawn=True)),
    ]


def read_said(value: bytes) -> None:
    """What people say is refused, or taken among anomalies; what comes behind it is taken, and the book stored."""
    for topic in (_TOPICS.feedback.name, _TOPICS.maintenance.name):
        record = ConsumerRecord(topic, 0, 0, 0, 0, b"", value, None, -1, -1, ())
        try:
            heard = _HEARING._readers[topic](record)
        except (msgspec.DecodeError, ValueError, RecursionError):
            continue
        assert encode_input(heard)
        book = IncidentBook(IncidentSettings())
        book.take(_INPUTS[0])
        with contextlib.suppress(UnknownSubjectError):
            book.take(heard)
        book.take(_INPUTS[1])
        book.take_lessons()
        IncidentBook.restore(book.snapshot(), IncidentSettings()).take(_INPUTS[0])


def log_events() -> list[bytes]:
    """Records of log events, and a request of OTLP."""
    return [
        b'{"message":"CPU spike detected","level":"warning"}',
        b'{"message":"user 7 paid 3 EUR","level":"INFO","application":"shop","id":"x1","timestamp":1789999999.5}',
        b'[{"message":"cart 1 failed","level":"error"},{"message":"cart 2 failed","level":"error","id":"x1"}]',
        b'{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},'
        b'"scopeLogs":[{"logRecords":[{"severityNumber":9,"timeUnixNano":"1789999999000000000",'
        b'"body":{"stringValue":"up"}}]}]}]}',
    ]


def read_log_events(value: bytes) -> None:
    """A record is refused, or its events become executions that are scored; the templates go on, also restored."""
    with contextlib.suppress(RecordError):
        decode_log_request(value, _LIMITS, _NOW_S)
    logs = PartitionLogs(LogRules(), _LIMITS)
    for number, record in enumerate([*log_events()[:3], value, *log_events()[:2]]):
        read = logs.take(record, _NOW_S, f"logs/0/{number}")
        assert all(each.reason for each in read.rejected)
        for execution in read.executions:
            assert not decode_record(encode(execution), _LIMITS, _NOW_S).rejected
    PartitionLogs.restore(logs.snapshot(), LogRules(), _LIMITS).take(value, _NOW_S, "logs/0/9")


def log_checkpoints() -> list[bytes]:
    """Templates of a partition, as they are stored, and records that hold some."""
    logs = PartitionLogs(LogRules(), _LIMITS)
    found = [logs.snapshot()]
    for number, record in enumerate(log_events()):
        logs.take(record, _NOW_S, f"logs/0/{number}")
    return [*found, logs.snapshot(), *_STATES.pack(0, PlacedState(4, b"some", "X"))]


_STATES = PlacedStates("logs")


def read_log_checkpoint(value: bytes) -> None:
    """Templates are refused, or events go on to be read with them; so is a record that should hold some."""
    found, problems = _STATES.unpack(0, [value])
    assert found is None or not problems
    try:
        logs = PartitionLogs.restore(value, LogRules(), _LIMITS)
    except SnapshotError:
        return
    for number, record in enumerate(log_events()):
        logs.take(record, _NOW_S, f"logs/0/{number}")
    PartitionLogs.restore(logs.snapshot(), LogRules(), _LIMITS)


def commits() -> list[bytes]:
    """What stands beside offsets of incidents."""
    owed = b'{"to":15,"owed":{"chat":[0,3],"page":[2]},"topic_id":"X"}'
    return [owed, nothing_owed(15, "X").metadata.encode(), b'{"to":15,"owed":{"chat":[0,3]}}']


def read_commit_of_others(value: bytes) -> None:
    """All behind what is committed is owed, and of what is before it only what is named."""
    debts = read_commit(10, value.decode(errors="replace"))
    assert debts.to >= 10
    assert debts.include("page", debts.to)
    assert not debts.include("nobody", debts.to - 1) or "nobody" in debts.owed
