"""Topics that only tracehound should write: whoever else does must not stop or poison a worker."""

import contextlib
from math import inf

import msgspec
from aiokafka import ConsumerRecord

from tests.detectors.incidents.records import anomaly, progress, wrapped
from tests.detectors.test_determinism import SETTINGS, SHOP, executions
from tests.tracers.recorded import pieces_of
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.schemas.codec import decode_record, encode
from tracehound.schemas.control import Control, read_control
from tracehound.schemas.errors import InvalidExecutionError, UnknownSubjectError
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.feedback import Lesson
from tracehound.schemas.incident_input import decode_input, encode_input
from tracehound.schemas.spans import SpanBatch, Tick
from tracehound.streams.intake.closing import encoded
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.partition_join import PartitionJoin
from tracehound.streams.notify.offsets import Debts
from tracehound.streams.notify.partition import IncidentPartition
from tracehound.streams.notify.routing import Routes
from tracehound.streams.settings.notify import NotifySettings

_NOW_S = 1_790_000_000.0
_NOW_MS = 1_790_000_000_000
_encode = msgspec.msgpack.Encoder().encode
_SOME = executions("shop", 60, _NOW_S, seed=1)
_ROUTES = NotifySettings.model_validate(
    {
        "receivers": {"page": {"kind": "webhook", "url": "https://example.org/hook", "secret_env": "SECRET"}},
        "routes": [{"receivers": ["page"], "severity": "minor"}],
    }
)


def span_batches() -> list[bytes]:
    """Records of the spans topic."""
    batches = [
        SpanBatch(
            ("spans", 0),
            number,
            _NOW_MS + number,
            [(trace_id, sum(len(spans) for _, spans in chunk.spans), _raw(chunk))],
        )
        for number, (trace_id, chunk) in enumerate([*pieces_of("zipkin-brave"), *pieces_of("skywalking-java")])
    ]
    return [*map(_encode, batches), _encode(Tick(_NOW_MS, [("spans", 0, _NOW_MS), ("spans", 1, None)]))]


def _raw(chunk: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(chunk))


_AROUND = span_batches()


def read_span_batch(value: bytes) -> None:
    """A record is refused or taken; what comes of it can be scored, and good ones behind it are taken."""
    join = PartitionJoin(0, JoinRules(), 1_000, limits=Limits())
    for offset, record in enumerate([_AROUND[0], value, *_AROUND[1:3], _encode(Tick(_NOW_MS + 90_000, []))]):
        try:
            joined = join.take(offset, record)
        except ValueError:
            if record is not value:
                raise
            continue
        for execution in () if joined is None else joined.executions:
            assert not decode_record(encoded(execution), Limits(), inf).rejected
    checkpoint = join.checkpoint()
    assert checkpoint is not None
    PartitionJoin(0, JoinRules(), 1_000, msgspec.msgpack.decode(_encode(checkpoint), type=type(checkpoint)))


_INPUTS = [
    wrapped(anomaly("shop", 0.0)),
    wrapped(anomaly("shop", 9.0, silent_since_s=5.0, operation="")),
    wrapped(progress("shop", 20.0, calls=["stock"], ongoing={"shop//latency": 5.0})),
]


def incident_inputs() -> list[bytes]:
    """Records of the input of incidents."""
    return list(map(encode_input, _INPUTS))


def read_incident_input(value: bytes) -> None:
    """A record is refused or taken, the good ones behind it are taken, and the book can be stored."""
    book = IncidentBook(IncidentSettings())
    book.take(_INPUTS[0])
    with contextlib.suppress(ValueError, RecursionError, UnknownSubjectError):
        book.take(decode_input(value))
    for one in _INPUTS[1:]:
        book.take(one)
    book.take_lessons()
    IncidentBook.restore(book.snapshot(), IncidentSettings()).take(_INPUTS[0])


def controls() -> list[bytes]:
    """Records of control."""
    lesson = Lesson("a1", "false_positive", _NOW_S)
    return [
        encode(Control("reset", "shop", by="me")),
        encode(Control("import", "shop", snapshot=b"THS")),
        encode(Control("feedback", "shop", lesson=lesson, asked_at=_NOW_S)),
    ]


def read_control_record(value: bytes) -> None:
    """A control is refused or read; a lesson of it can be learned, and the models go on."""
    try:
        control = read_control(value)
    except InvalidExecutionError:
        return
    scorer = Scorer(SETTINGS, InlineFitter())
    scorer.score(_SOME[:30])
    if control.lesson is not None:
        scorer.heed(SHOP, control.lesson)
    scorer.score(_SOME[30:])
    Scorer(SETTINGS, InlineFitter()).restore(scorer.snapshot(SHOP), SHOP)


def incidents() -> list[bytes]:
    """What notify reads."""
    book = IncidentBook(IncidentSettings(grace_s=0.0))
    found = [event for one in _INPUTS for event in book.take(one)]
    found += book.take(wrapped(progress("shop", 9_000.0)))
    assert found
    return list(map(encode, found))


def read_incident(value: bytes) -> None:
    """A record is told or becomes a dead letter, and the good ones around it are told as without it."""
    partition = IncidentPartition(0, Routes(_ROUTES), 0, 0, Debts(0))
    for offset, record in enumerate([value, *_TOLD, value]):
        taken = partition.take(ConsumerRecord("severity", 0, offset, 0, 0, b"", record, None, -1, -1, ()))
        if taken.dead_letter is not None:
            assert record is value
            assert taken.dead_letter.error == "InvalidEvent", taken.dead_letter
        for notice in taken.notices:
            partition.done(notice.receiver, notice.offset)
    partition.release(2e9)
    list(partition.told_before())
    partition.commit()


_TOLD = incidents()
