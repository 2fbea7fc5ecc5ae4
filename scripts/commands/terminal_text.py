"""Text that came from outside, made safe to print: it can neither steer the terminal nor forge lines."""


def printable(text: str) -> str:
    r"""The text with everything that is not plainly visible written as an escape: controls, ANSI, bidi marks.

    >>> print(printable("a\x1b[31m\nb\u202e"))
    a\x1b[31m\nb\u202e
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_bytes(content: bytes | None) -> str:
    r"""Bytes as text where they are UTF-8, with escapes elsewhere; None says so.

    >>> print(printable_bytes(b"caf\xc3\xa9 \xff\x00"), printable_bytes(None))
    café \xff\x00 (null)
    """
    return "(null)" if content is None else printable(content.decode(errors="backslashreplace"))
