"""Makes sure that Protobuf which gave no span is what it was taken for: nothing foreign passes for an empty record.

Any bytes of Protobuf parse as any message, their fields being unknown ones. So where a record held no span, all that it
does hold must be what the format has, down to the names of attributes; else it is told, and buried, as foreign.
"""

from tracehound.streams.intake.formats.recognise import (
    ZIPKIN_WIRES,
    Format,
    is_printable,
    not_protobuf,
    other_signal,
)
from tracehound.streams.intake.formats.wire import FIXED64, LENGTH, VARINT, fields, sizes_of

_SKYWALKING_WIRES = dict.fromkeys((1, 2, 3, 4, 8, 9, 10, 11, 14), VARINT)
_SEGMENT_SPANS, _SIZE_LIMITED = 3, 6
_ANY_VALUE_WIRES = {2: VARINT, 3: VARINT, 4: FIXED64, 8: VARINT}
_SCOPES = (2, 1000)


def confirm(name: Format, content: bytes, refused: bool) -> None:
    """Check that Protobuf which gave no span is of the format all the same.

    Parameters:
        refused: whether spans in it were refused, so that nothing vanishes: then only other signals are told.

    Raises:
        RecordError: it is something else.
    """
    try:
        if name == "OTLP Protobuf":
            _check_signals(content)
        if refused:
            return
        if name == "OTLP Protobuf":
            _check_otlp(content)
        elif name == "Zipkin Protobuf":
            _check_zipkin(content)
        elif name == "SkyWalking":
            _check_skywalking(content)
    except ValueError as error:
        raise not_protobuf(content, f"with an error: {error}") from error


def _members(message: bytes, *numbers: int) -> list[bytes]:
    return [message[at:end] for number, wire, _, at, end in fields(message) if wire == LENGTH and number in numbers]


def _check_signals(content: bytes) -> None:
    """Tell metrics and logs, which lie in resources and scopes as spans do.

    Raises:
        RecordError: it is one of them.
    """
    for resource in _members(content, 1):
        for scope in _members(resource, *_SCOPES):
            for item in _members(scope, 2):
                _check_signal(item)


def _check_signal(item: bytes) -> None:
    try:
        found = {number: (wire, item[content:end]) for number, wire, _, content, end in fields(item)}
    except ValueError:
        return
    wires = {number: wire for number, (wire, _) in found.items()}
    if wires.get(7) == FIXED64 or wires.get(8) == FIXED64:  # when a span begins and ends
        return
    if wires.get(1) == FIXED64 or wires.get(11) == FIXED64:  # when an event was logged, or seen
        raise other_signal("logs")
    _, name = found.get(1, (LENGTH, b""))
    if wires.get(1) == LENGTH and name and is_printable(name) and {5, 7, 9, 10, 11} & wires.keys():
        raise other_signal("metrics")


def _check_otlp(content: bytes) -> None:
    for resource_spans in _only(content, {1: LENGTH}, 1):
        for number, at, end in _each(resource_spans, {1: LENGTH, 2: LENGTH, 3: LENGTH, 1000: LENGTH}):
            part = resource_spans[at:end]
            if number == 1:
                _check_attributes(part, {1: LENGTH, 2: VARINT, 3: LENGTH}, 1)
            elif number == 3:
                _check_url(part)
            else:
                _check_scope_spans(part)


def _check_scope_spans(scope_spans: bytes) -> None:
    for number, at, end in _each(scope_spans, {1: LENGTH, 2: LENGTH, 3: LENGTH}):
        part = scope_spans[at:end]
        if number == 1:
            _check_attributes(part, {1: LENGTH, 2: LENGTH, 3: LENGTH, 4: VARINT}, 3)
            for text in _members(part, 1, 2):
                text.decode()
        elif number == 3:
            _check_url(part)


def _check_attributes(holder: bytes, wires: dict[int, int], number: int) -> None:
    pairs = _only(holder, wires, number)
    for pair in pairs:
        found = {each: pair[at:end] for each, at, end in _each(pair, {1: LENGTH, 2: LENGTH})}
        found.get(1, b"").decode()
        if 2 not in found or len(sizes_of(found[2], _ANY_VALUE_WIRES, 8)) > 1:
            raise ValueError("OTLP has no such attribute")
    if not pairs and any(wire == VARINT for _, wire, _, _, _ in fields(holder)):
        raise ValueError("OTLP counts no attributes where there are none")


def _check_url(content: bytes) -> None:
    if content and not (content.startswith(b"http") and b"/schemas/" in content):
        raise ValueError("OTLP has no such URL of a schema")


def _only(message: bytes, wires: dict[int, int], wanted: int) -> list[bytes]:
    return [message[at:end] for number, at, end in _each(message, wires) if number == wanted]


def _each(message: bytes, wires: dict[int, int]) -> list[tuple[int, int, int]]:
    """Number, begin and end of each field, all of them with the ``wires`` that there are."""
    found = []
    for number, wire, begin, at, end in fields(message):
        if wires.get(number) != wire:
            raise ValueError(f"OTLP has no such field {number} as that at byte {begin}")
        found.append((number, at, end))
    return found


def _check_zipkin(content: bytes) -> None:
    """The spans are unfinished: each has its ids, and a name, a time or a service."""
    for span in _only(content, {1: LENGTH}, 1):
        if not {5, 6, 8} & sizes_of(span, ZIPKIN_WIRES, 13).keys():
            raise ValueError("Zipkin has no span without a name, a time and a service")


def _check_skywalking(content: bytes) -> None:
    """Ids, service and instance are texts, once each; there are spans, which have a name, though no end."""
    found: set[int] = set()
    spans = 0
    for number, wire, begin, at, end in fields(content):
        if number > _SIZE_LIMITED or wire != (VARINT if number == _SIZE_LIMITED else LENGTH) or number in found:
            raise ValueError(f"SkyWalking has no such field {number} as that at byte {begin}")
        if number == _SEGMENT_SPANS:
            if 6 not in sizes_of(content[at:end], _SKYWALKING_WIRES, 14):
                raise ValueError("SkyWalking has no span without an operation")
            spans += 1
        elif wire == LENGTH:
            found.add(number)
            if not content[at:end].decode().isprintable():
                raise ValueError(f"SkyWalking has no such text as that at byte {begin}")
    if not spans or not found >= {1, 2, 4}:
        raise ValueError("SkyWalking has no segment without spans, ids and a service")
