"""The wire format of Protobuf, read field by field where the message is not known or does not parse.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator, Mapping

VARINT, FIXED64, LENGTH, GROUP, END_GROUP, FIXED32 = range(6)

Field = tuple[int, int, int, int, int]
"""Number, wire type, and where the field, its content and what follows begin."""


def fields(message: bytes) -> Iterator[Field]:
    """The fields of a message (a group is one field).

    Raises:
        ValueError: the bytes are no fields; the message says where they stop being so.

    >>> message = b"\\x0a\\x02hi\\x10\\x01"
    >>> [(number, message[content:end]) for number, _, _, content, end in fields(message)]
    [(1, b'hi'), (2, b'\\x01')]
    """
    at = 0
    while at < len(message):
        begin = at
        number, wire, content, at = _field(message, begin)
        depth = 1
        if wire == END_GROUP:
            raise ValueError(f"a group ends at byte {begin} that has not begun")
        while wire == GROUP and depth:
            _, inner, _, at = _field(message, at)
            depth += (inner == GROUP) - (inner == END_GROUP)
        yield number, wire, begin, content, at


def _field(message: bytes, begin: int) -> tuple[int, int, int, int]:
    tag, at = varint(message, begin)
    number, wire = tag >> 3, tag & 7
    if number == 0 or number >= 2**29:
        raise ValueError(f"the field at byte {begin} has the number {number}")
    content = at
    if wire == VARINT:
        _, at = varint(message, at)
    elif wire == LENGTH:
        length, content = varint(message, at)
        at = content + length
    elif wire in (FIXED32, FIXED64):
        at += 4 if wire == FIXED32 else 8
    elif wire not in (GROUP, END_GROUP):
        raise ValueError(f"the field at byte {begin} has the wire type {wire}")
    if at > len(message):
        raise ValueError(f"the field at byte {begin} ends after its message")
    return number, wire, content, at


def varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that begins at a byte, and where what follows begins.

    Raises:
        ValueError: it does not end, or is longer than 64 bits.
    """
    value = shift = 0
    while shift < 70:
        if at >= len(message):
            raise ValueError("the bytes end within a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError(f"the number at byte {at} is longer than 64 bits")


def parts(message: bytes, list_numbers: tuple[int, ...]) -> tuple[bytes, list[bytes]]:
    """The bytes of a message's other fields, and the contents of those that have one of the numbers.

    Raises:
        ValueError: the fields cannot be told apart.
    """
    rest: list[bytes] = []
    members: list[bytes] = []
    for number, wire, begin, content, end in fields(message):
        if number in list_numbers and wire == LENGTH:
            members.append(message[content:end])
        else:
            rest.append(message[begin:end])
    return b"".join(rest), members


def sizes_of(message: bytes, wires: Mapping[int, int], most: int) -> dict[int, int]:
    """The sizes of a message's fields by their numbers.

    Parameters:
        wires: the wire types of fields that have no length.
        most: the highest number that there is.

    Raises:
        ValueError: it has other fields, or is no message.

    >>> sizes_of(b"\\x0a\\x02hi\\x10\\x01", {2: VARINT}, 2)
    {1: 2, 2: 1}
    """
    sizes: dict[int, int] = {}
    for number, wire, begin, content, end in fields(message):
        if number > most or wire != wires.get(number, LENGTH):
            raise ValueError(f"there is no such field {number} as that at byte {begin}")
        sizes[number] = end - content
    return sizes


def framed(number: int, content: bytes) -> bytes:
    """A field with this number and content.

    >>> framed(2, b"hi")
    b'\\x12\\x02hi'
    """
    prefix = bytearray()
    for value in (number << 3 | LENGTH, len(content)):
        while value > 0x7F:
            prefix.append(value & 0x7F | 0x80)
            value >>= 7
        prefix.append(value)
    return bytes(prefix) + content
