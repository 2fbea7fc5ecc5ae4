"""What anybody may send: records of executions and of spans, requests, and the file of settings."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.detectors.columns.same_columns import assert_same
from tests.detectors.test_determinism import executions as shop
from tests.streams.gateway.conftest import FakeSender, ask, made
from tests.streams.gateway.test_anything import GOOD, PATHS, REFUSED, TAKEN
from tests.tracers.recorded import PARTLY, WHOLE, values_of
from tracehound.detectors.columns.columned_executions import columned
from tracehound.schemas.codec import decode_record, encode
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import whole
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import SCHEMA_HEADER, ExecutionReader
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.formats.decode import DecodedSpans, SpanLimits, decode_spans
from tracehound.streams.intake.formats.otlp.columned import ColumnedDecoder
from tracehound.streams.scoring.read_columns import ColumnReader
from tracehound.streams.settings.settings import CONFIG_VARIABLE, load_settings

NOW_S = 1_790_000_000.0
LIMITS = Limits(max_event_bytes=4_000, max_record_bytes=8_000, max_segments=20)
SPAN_LIMITS = SpanLimits(max_record_bytes=200_000, max_spans=2_000)
_COLUMNED = ColumnedDecoder()
_COLUMNS = ColumnReader(LIMITS)
_LONGEST_SEED = 20_000
_MEDIA_TYPES = ("application/json", "application/x-protobuf", "application/x-ndjson")
_ENCODINGS = ("", "gzip", "deflate", "zstd")


def executions() -> list[bytes]:
    """Executions, alone and in arrays."""
    some = shop("shop", 6, NOW_S - 60.0, seed=1)
    return [*map(encode, some), b"[" + b",".join(map(encode, some[:3])) + b"]", b"[]"]


def read_executions(value: bytes) -> None:
    """The fast way to read a record says what the careful one says, and neither raises."""
    decoded = decode_record(value, LIMITS, NOW_S)
    assert all(each.reason for each in decoded.rejected)
    read = _COLUMNS.read([value], NOW_S)
    if read is None:  # it leaves to the careful way what few do
        return
    assert not decoded.rejected
    assert list(map(whole, read.executions)) == decoded.executions
    assert_same(read.executions, columned(decoded.executions))


def enveloped() -> list[bytes]:
    """An execution within what is often around it."""
    [one, *_] = executions()
    return [
        b'{"schema":{"type":"struct"},"payload":%b}' % one,
        b'{"before":null,"after":%b,"op":"c"}' % one,
        json.dumps(one.decode()).encode(),
        b'{"specversion":"1.0","id":"1","source":"/","type":"x","data":%b}' % one,
        b"\x00\x00\x00\x00\x07" + one,
        b"\xef\xbb\xbf" + one,
        b'{"service":"shop","name":"GET /","at":{"ns":1790000000000000000},"took":"5ms"}',
    ]


def read_envelope(value: bytes) -> None:
    """Whatever is around an execution, a record is read or refused with its bytes."""
    for headers in ((), ((SCHEMA_HEADER, b"\x00\x00\x00\x00\x07"), ("ce_type", value[:9]))):
        decoded = _READER.decode(value, headers, NOW_S)
        for each in decoded.rejected:
            assert each.reason
            assert each.indexes or each.value_bytes == value
        _READER.content(value, headers)


_READER = ExecutionReader(LIMITS, mapping=FieldMapping(""))


def spans() -> list[bytes]:
    """What tracers wrote."""
    recorded = [value for case in [*WHOLE, *PARTLY] for value in values_of(case)]
    return [value for value in recorded if len(value) <= _LONGEST_SEED]


def read_spans(value: bytes) -> None:
    """Spans of any format are read or refused with a reason, and what is read can be joined."""
    decoded: DecodedSpans = decode_spans(value, SPAN_LIMITS)
    assert decode_spans(value, SPAN_LIMITS, columned=_COLUMNED) == decoded
    for each in decoded.rejected:
        assert each.reason
        assert each.indexes or each.value_bytes == value
    for trace_id, chunk in decoded.traces.items():
        for execution in assemble(trace_id, [chunk]).executions:
            record = decode_record(encode(execution), Limits(), inf)
            assert not record.rejected, record.rejected


def requests() -> list[bytes]:
    """Bodies with a first byte that chooses where they go and how they are told to be packed."""
    return [bytes([number]) + body for number in range(len(PATHS) * len(_MEDIA_TYPES)) for body in GOOD]


def read_request(value: bytes) -> None:
    """A request is taken, or refused with a sentence and nothing of it sent."""
    choice, body = (value[0] if value else 0), value[1:]
    path = PATHS[choice % len(PATHS)]
    media_type = _MEDIA_TYPES[choice // len(PATHS) % len(_MEDIA_TYPES)]
    encoding = _ENCODINGS[choice // len(PATHS) // len(_MEDIA_TYPES) % len(_ENCODINGS)]
    _SENDER.records.clear()
    answer = ask(_GATEWAY, "POST", path, body, {"content-type": media_type, "content-encoding": encoding})
    assert answer.status in TAKEN | REFUSED, answer
    if answer.status in REFUSED:
        assert not _SENDER.records
        assert len(answer.body) > 10


_SENDER = FakeSender()
_GATEWAY = made(_SENDER)


def settings() -> list[bytes]:
    """Files of settings."""
    return [
        b"",
        b'topic_prefix = "a."\npartitions = 3\n[detection]\nalarm_budget = 0.5\nextra_detectors = ["loda"]\n',
        b'[notify.receivers.page]\ntype = "webhook"\nurl = "https://example.org/hook"\nsecret_env = "SECRET"\n',
        b"[incidents]\nquiet_s = 120.0\njoin_s = 60\n[intake]\nwith_namespace = true\n",
        b'[gateway]\nport = 8080\n[gateway.keys.th_00000000]\nsha256 = "' + b"0" * 64 + b'"\n',
    ]


def read_settings(value: bytes) -> None:
    """A file of settings is taken, or refused with a sentence."""
    with _configured(value), suppress(ConfigurationError):
        load_settings()


@contextmanager
def _configured(value: bytes) -> Iterator[None]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tracehound.toml"
        path.write_bytes(value)
        before = os.environ.get(CONFIG_VARIABLE)
        os.environ[CONFIG_VARIABLE] = str(path)
        try:
            yield
        finally:
            if before is None:
                del os.environ[CONFIG_VARIABLE]
            else:
                os.environ[CONFIG_VARIABLE] = before
