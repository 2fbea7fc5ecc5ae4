"""Bytes that nobody could read, made safe to look at: nothing in them acts, and what cannot be seen is written out."""

from collections.abc import Iterator

_ROW = 16
_KEPT = "\n\t"


def visible(text: str) -> str:
    r"""A text in which everything that is not plainly visible is an escape: controls, marks that change direction.

    >>> print(visible("a\x00b\u202ec\n"), end="")
    a\x00b\u202ec
    """
    return "".join(one if one in _KEPT or one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def visible_bytes(content: bytes) -> str:
    r"""Bytes as text where they are UTF-8, as escapes elsewhere.

    >>> print(visible_bytes(b"caf\xc3\xa9 \xff"))
    café \xff
    """
    return visible(content.decode(errors="backslashreplace"))


def hexadecimal(content: bytes) -> Iterator[str]:
    """Lines of sixteen bytes: offset, hexadecimal, ASCII.

    >>> list(hexadecimal(b"{no JSON"))
    ['00000000  7b 6e 6f 20 4a 53 4f 4e                          {no JSON']
    """
    for begin in range(0, len(content), _ROW):
        row = content[begin : begin + _ROW]
        plain = "".join(chr(one) if 32 <= one < 127 else "." for one in row)
        yield f"{begin:08x}  {row.hex(' '):<{3 * _ROW - 1}}  {plain}"
