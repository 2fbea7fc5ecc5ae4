"""Executions of records, whatever their producers put around them."""

from collections.abc import Sequence
from math import inf
from uuid import UUID

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags
from tracehound.detectors.columns.short_values import TO_READ
from tracehound.schemas.codec import DecodedRecord, decode_record, decode_unread
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.json_array import BLANK
from tracehound.schemas.rejection import RecordError, Rejection, reject_record
from tracehound.streams.envelopes.foreign import tell_foreign
from tracehound.streams.envelopes.json_envelopes import Opened, opened_json
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.packing import frame_of, may_be_packed, unpacked
from tracehound.streams.envelopes.registered import RegisteredSchemas
from tracehound.streams.envelopes.short_values import ShortValues

SCHEMA_HEADER = "__value_schema_id"
"""Where serializers of a schema registry write the id, if not before the content."""
_MOST_LAYERS = 5
_WANTED = "an execution"

Headers = Sequence[tuple[str, bytes]]


class ExecutionReader:
    """Reads executions, and what is around them only where the bytes themselves are none: plain JSON costs nothing.

    Parameters:
        limits: what a record must keep, also once it is unpacked.
        schemas: for what is neither JSON nor packed.
        mapping: other names of fields.
    """

    def __init__(
        self, limits: Limits, schemas: RegisteredSchemas | None = None, mapping: FieldMapping | None = None
    ) -> None:
        self._limits = limits
        self._schemas = RegisteredSchemas(None) if schemas is None else schemas
        self._mapping = FieldMapping("") if mapping is None else mapping
        self._short = None if self._mapping else ShortValues(framed=bool(self._schemas))

    def sort_out(self, text: NDArray[np.uint8], places: NDArray[np.int64], asked: Flags) -> NDArray[np.int8]:
        """Which of many records need not be taken apart, as few bytes of a flood of them: see ``ShortValues``. Those
        with the header ``SCHEMA_HEADER`` are not to be ``asked`` for.
        """
        if self._short is None:
            return np.full(len(places), TO_READ, np.int8)
        return self._short.sort_out(text, places, asked)

    def holds_none(self, value: bytes | None) -> bool:
        """Whether a value is too short for an execution, whatever is around it."""
        return value is None or (self._short is not None and self._short.holds_none(value))

    def earn(self, length: int) -> None:
        """So many bytes were read: what is refused later may cost as much to explain."""
        if self._short is not None:
            self._short.earn(length)

    def decode(self, value: bytes | None, headers: Headers, timestamp_s: float) -> DecodedRecord:
        """As ``decode_record``, of what is within; what is refused keeps its original bytes.

        >>> record = b'{"schema":{},"payload":{"application":"shop","operation":"a","started_at":9,"duration_ms":5}}'
        >>> [execution.operation for execution in ExecutionReader(Limits()).decode(record, (), 10.0).executions]
        ['a']
        """
        decoded = decode_record(value, self._limits, timestamp_s)
        if decoded.executions or not decoded.rejected or not value or len(value) > self._limits.max_record_bytes:
            return decoded
        try:
            opened = self.opened(value, headers)
            if opened is None:
                return decoded
            within = decode_record(opened.content, self._limits, timestamp_s)
            if any(not each.indexes for each in within.rejected):
                tell_foreign(opened.content)
        except RecordError as error:
            return DecodedRecord(rejected=[reject_record(value, error.error, error.sentence)])
        return DecodedRecord(within.executions, [_told(value, opened, each) for each in within.rejected])

    def opened(self, value: bytes, headers: Headers = ()) -> Opened | None:
        """What is around an execution, and what is within; None where nothing is that is known.

        Raises:
            RecordError: it cannot be opened, or is of another format that is known by name.
        """
        opened = self._open(value, headers)
        if opened is None:
            tell_foreign(value)
        return opened

    def content(self, value: bytes | None, headers: Headers) -> bytes | None:
        """What is within, if there is anything around it that is known; else the value."""
        if not value or len(value) > self._limits.max_record_bytes:
            return value
        try:
            opened = self._open(value, headers)
        except RecordError:
            return value
        return value if opened is None else opened.content

    def around(self, value: bytes, headers: Headers) -> str:
        """What is around an execution, in words; empty where nothing is, or it cannot be opened."""
        try:
            opened = self._open(value, headers)
        except RecordError:
            return ""
        return opened.within if opened is not None else ""

    def _open(self, value: bytes, headers: Headers) -> Opened | None:
        content, names = value, []
        for _ in range(_MOST_LAYERS):
            layer = self._layer(content, headers)
            if layer is None:
                break
            content, headers = layer.content, ()
            names.append(layer.within)
        mapped = self._mapping.mapped(content) if self._mapping and not self._is_execution(content) else None
        if mapped is not None:
            return Opened(mapped, " in ".join(reversed([*names, "the names of the setting 'execution_fields'"])))
        return Opened(content, " in ".join(reversed(names))) if names else None

    def _is_execution(self, content: bytes) -> bool:
        return decode_unread([content], self._limits, inf) is not None

    def _layer(self, content: bytes, headers: Headers) -> Opened | None:
        if may_be_packed(content):
            within = unpacked(content, self._limits.max_record_bytes, _WANTED)
            if within is not content:
                return Opened(within, "gzip" if content[:1] == b"\x1f" else "text with a byte-order mark")
            frame = frame_of(content)
            if frame is not None:
                if frame.is_text:
                    return Opened(frame.content, frame.told)
                if frame.is_likely:
                    return Opened(self._schemas.json_of(str(frame.schema_id), frame.told, frame.content), frame.told)
        if headers and content.lstrip(BLANK)[:1] not in (b"{", b"[", b'"'):
            schema_id, indexes = _schema_id(headers)
            if schema_id:
                told = f"the header {SCHEMA_HEADER!r} of a schema registry (schema id {schema_id})"
                return Opened(self._schemas.json_of(schema_id, told, indexes + content), told)
        return opened_json(content)


def _schema_id(headers: Headers) -> tuple[str, bytes]:
    """The id in the header, and what of the framing follows it there; empty where there is none.

    It is a zero and a number of four bytes, or a one and a GUID.
    """
    for name, value in headers:
        if name == SCHEMA_HEADER and value:
            if value[0] == 0 and len(value) >= 5:
                return str(int.from_bytes(value[1:5], "big")), value[5:]
            if value[0] == 1 and len(value) >= 17:
                return str(UUID(bytes=bytes(value[1:17]))), value[17:]
    return "", b""


def _told(value: bytes, opened: Opened, refused: Rejection) -> Rejection:
    return replace(
        refused, reason=opened.told(refused.reason), value_bytes=refused.value_bytes if refused.indexes else value
    )
