"""The body that clients of Inspector send: an array of transactions, their segments and their errors.

Sources: @inspector-apm/inspector-nodejs 1.9.21 and inspector-python 0.2.0, which were run; inspector-php by its source.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from tracehound.schemas.execution import EpochSeconds, Milliseconds, WholeNumber
from tracehound.schemas.json_array import BLANK, split_array
from tracehound.schemas.rejection import ErrorName
from tracehound.streams.http.refusal import RequestRefusedError

MOST_BYTES = 8_000_000
"""The clients keep a hundred entries at most, and few bytes of each."""
MOST_ELEMENTS = 10_000
Text = Annotated[str, msgspec.Meta(max_length=1_000)]
Duration = Annotated[int, msgspec.Meta(ge=0)] | Milliseconds | None
"""In milliseconds or seconds: that depends on the client. A whole number says something else than a decimal one."""


class InspectorParent(msgspec.Struct, frozen=True):
    """The transaction that something is a part of, by its hash."""

    hash: Text


class InspectorTransaction(msgspec.Struct, tag_field="model", tag="transaction", frozen=True, omit_defaults=True):
    """What is an execution to us."""

    hash: Text
    timestamp: EpochSeconds
    name: Text | None = None
    type: Text | None = None
    duration: Duration = None
    end: float | msgspec.UnsetType | None = msgspec.UNSET
    result: Text | WholeNumber | float | None = None
    memory_peak: Milliseconds | None = None
    host: Any = None


class InspectorSegment(msgspec.Struct, tag_field="model", tag="segment", frozen=True, omit_defaults=True):
    """A part of a transaction."""

    transaction: InspectorParent
    type: Text | None = None
    label: Text | None = None
    start: float | None = None
    duration: Duration = None


class InspectorFailure(msgspec.Struct, tag_field="model", tag="error", frozen=True, omit_defaults=True):
    """An exception that was reported in a transaction."""

    transaction: InspectorParent
    class_: Annotated[Text | None, msgspec.Meta(description="the class of the exception")] = msgspec.field(
        name="class", default=None
    )
    message: str | None = None
    handled: bool = False


Element = InspectorTransaction | InspectorSegment | InspectorFailure
_ELEMENT: msgspec.json.Decoder[Element] = msgspec.json.Decoder(Element)


class RefusedElement(msgspec.Struct, frozen=True):
    """An element that cannot be used: its place, counted from 0, the class of what is wrong, and a sentence."""

    element: int
    error: ErrorName
    reason: str


@dataclass(slots=True)
class Payload:
    """The elements of a body that can be read, by their places, and the others."""

    elements: dict[int, Element] = field(default_factory=dict)
    refused: list[RefusedElement] = field(default_factory=list)


def read_payload(body: bytes) -> Payload:
    """Read a body: a JSON array, or base64 of one, which some of the clients make of it.

    Raises:
        RequestRefusedError: it is no array (400), or of too many elements (413).

    >>> read_payload(base64.b64encode(b'[{"model":"transaction","hash":"1","timestamp":9}]')).elements[0].hash
    '1'
    """
    content = body.strip(BLANK)
    if len(content) > MOST_BYTES:
        raise _refused(413, f"The body must be at most {MOST_BYTES} bytes long. Got {len(content)} bytes instead.")
    if content and content[:1] != b"[":
        try:
            content = base64.b64decode(content, validate=True).strip(BLANK)
        except binascii.Error:
            content = b""
        if content[:1] != b"[":
            raise _refused(400, "The body must be a JSON array, or base64 of one. Got something else instead.")
    try:
        elements = split_array(content) if content else []
    except ValueError as error:
        raise _refused(400, f"The array is malformed: {error}.") from error
    if len(elements) > MOST_ELEMENTS:
        raise _refused(413, f"The array must have at most {MOST_ELEMENTS} elements. Got {len(elements)} instead.")
    payload = Payload()
    for place, element in enumerate(elements):
        try:
            payload.elements[place] = _ELEMENT.decode(element)
        except msgspec.ValidationError as error:
            payload.refused.append(RefusedElement(place, "InvalidField", _sentence(place, error)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            payload.refused.append(RefusedElement(place, "InvalidJson", _sentence(place, error)))
    return payload


def _sentence(place: int, error: Exception) -> str:
    return f"Element {place} must be a transaction, a segment or an error of Inspector. It is not: {error}."


def _refused(status: int, why: str) -> RequestRefusedError:
    return RequestRefusedError(status, "invalid_body" if status == 400 else "too_large", why)
