"""Cut a JSON array into the bytes of its elements, even where an element itself is not valid JSON."""

import re
from itertools import takewhile

import msgspec

_RAW_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|"|[\[{]++|[\]}]++|,', re.DOTALL)
_OPENS = bytes.maketrans(b"]}", b"[{")
BLANK = b" \t\r\n"
"""What JSON takes for white space."""


def split_array(value: bytes) -> list[bytes]:
    """The elements of the array ``value`` as slices of it, without blanks around them.

    Only quotes, brackets and commas decide where an element ends, so one element with a ``NaN``, invalid
    UTF-8 or too deep nesting does not spoil its neighbours. Runs in linear time and without recursion.

    Raises:
        ValueError: ``value`` is not an array, or its quotes or brackets do not match.

    >>> split_array(b'[{"a": NaN}, {"a": "],"} ]')
    [b'{"a": NaN}', b'{"a": "],"}']
    """
    try:
        return list(map(bytes, _RAW_ELEMENTS.decode(value)))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _split_by_brackets(value.strip(BLANK))


def _split_by_brackets(value: bytes) -> list[bytes]:
    if value[:1] != b"[":
        raise ValueError("it does not begin with '['")
    open_brackets = bytearray()
    elements: list[bytes] = []
    begin = 1
    for match in _TOKEN.finditer(value):
        token = match.group()
        if token[0] in b"[{":  # brackets that follow one another are taken together
            open_brackets += token
        elif token == b'"':
            raise ValueError(f"the string that begins at byte {match.start()} does not end")
        elif token == b"," and len(open_brackets) == 1:
            elements.append(_element(value, begin, match.start()))
            begin = match.end()
        elif token[0] in b"]}":
            closed = token.translate(_OPENS)
            if not open_brackets.endswith(closed[::-1]):
                pairs = zip(closed, reversed(open_brackets), strict=False)
                matching = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
                raise ValueError(f"the bracket at byte {match.start() + matching} closes nothing")
            del open_brackets[-len(closed) :]
            if not open_brackets:
                return _closed(value, elements, begin, match.end() - 1)
    raise ValueError("it ends before its last bracket is closed")


def _closed(value: bytes, elements: list[bytes], begin: int, end: int) -> list[bytes]:
    if end != len(value) - 1:
        raise ValueError(f"something follows the array at byte {end + 1}")
    if not elements and not value[begin:end].strip(BLANK):
        return []
    return [*elements, _element(value, begin, end)]


def _element(value: bytes, begin: int, end: int) -> bytes:
    element = value[begin:end].strip(BLANK)
    if not element:
        raise ValueError(f"an element is missing at byte {begin}")
    return element
