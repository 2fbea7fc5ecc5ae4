"""Members of JSON objects of OTLP, taken apart without reading what is in them: a bad element costs only itself."""

import re
from typing import Any

import msgspec

from tracehound.schemas.explanation import excerpt
from tracehound.schemas.json_array import BLANK, split_array
from tracehound.schemas.rejection import Flaw
from tracehound.streams.intake.formats.fields import read_json

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAME = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*:\s*', re.DOTALL)
DECODING_ERRORS = (msgspec.DecodeError, ValueError, OverflowError, RecursionError)
LIST_NAMES = (
    ("resourceSpans", "resource_spans"),
    ("scopeSpans", "scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans"),
    ("spans",),
)
"""Today's name of each list, then how it is defined in Protobuf, and both of what it was called until 2022."""


def loaded(element: bytes) -> dict[str, Any] | Flaw:
    """A JSON object, or why it is none."""
    given = read_json(element)
    return given if isinstance(given, dict | Flaw) else _not_an_object(element)


def object_members(element: bytes) -> list[tuple[str, bytes]] | Flaw:
    """Names and values of an object's members, even where a value itself is not valid JSON."""
    element = element.strip(BLANK)
    try:
        return [(name, bytes(value)) for name, value in _MEMBERS.decode(element).items()]
    except DECODING_ERRORS:
        if element[:1] != b"{":
            return _not_an_object(element)
    try:
        if element[-1:] != b"}":
            raise ValueError("it ends before its last bracket is closed")
        return [_member(member) for member in split_array(b"[" + element[1:-1] + b"]")]
    except DECODING_ERRORS as error:
        cause = str(error)
        return Flaw("InvalidJson", "", lambda: f"the JSON is malformed: {cause}.")


def _member(member: bytes) -> tuple[str, bytes]:
    found = _NAME.match(member)
    if found is None:
        raise ValueError("a member of an object has no name")
    return found[1][1:-1].decode("utf-8", "replace"), member[found.end() :]


def _not_an_object(element: bytes) -> Flaw:
    got = excerpt(element[:200].decode("utf-8", "replace"))
    return Flaw("InvalidJson", "", lambda: f"it must be a JSON object. Got the JSON {got} instead.")


def list_member(members: list[tuple[str, bytes]], depth: int) -> tuple[list[bytes], list[bytes] | Flaw]:
    """The members but for the list, each with its name, and the elements of the list."""
    given = dict(members)
    name = next((name for name in LIST_NAMES[depth] if name in given), None)
    head = [msgspec.json.encode(key) + b":" + value for key, value in members if key != name]
    if name is None or given[name].strip(BLANK) == b"null":
        return head, []
    try:
        return head, split_array(given[name])
    except ValueError as error:
        cause = str(error)
        return head, Flaw("InvalidField", name, lambda: f"the field '{name}' must be a JSON array: {cause}.")
