"""Bodies of our own paths: JSON, one value or one in each line, and what is wrong in which line."""

from collections.abc import Iterator

import msgspec
from starlette.requests import Request

from tracehound.schemas.json_array import BLANK
from tracehound.schemas.rejection import ErrorName
from tracehound.streams.gateway.bodies import of_media_type

BY_LINE = {
    "application/json": False,
    "application/x-ndjson": True,
    "application/jsonl": True,
    "application/x-jsonlines": True,
}
"""The media types of such bodies, and whether they say that the body is lines."""
MOST_TOLD = 100
"""Refusals told one by one in an answer; all are counted."""


class RefusedLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong in one line, counted from 1: class, sentence, and which elements of it (none: all of it)."""

    line: int
    error: ErrorName
    reason: str
    elements: tuple[int, ...] = ()

    @property
    def items(self) -> int:
        """How many executions or log events it concerns; what cannot be read counts as one."""
        return len(self.elements) or 1


def is_by_line(request: Request) -> bool:
    """Whether a request says that its body is lines.

    Raises:
        RequestRefusedError: it says that it is no JSON at all (415).
    """
    return of_media_type(request, BY_LINE)


def lines_of(body: bytes, by_line: bool) -> Iterator[tuple[int, bytes]]:
    """Number and content of each line that is not blank; a value over several lines is one.

    Parameters:
        by_line: it is said to be lines; else they are told by their content.

    >>> list(lines_of(b'{"a": 1}\\n\\n{"a": 2}', by_line=False))
    [(1, b'{"a": 1}'), (3, b'{"a": 2}')]
    """
    whole = body.strip(BLANK)
    for number, line in enumerate(body.splitlines() if by_line or _has_lines(whole) else [whole], 1):
        content = line.strip(BLANK)
        if content:
            yield number, content


def _has_lines(body: bytes) -> bool:
    """Whether it is not one value, and its first line is: a damaged value that was printed prettily is no lines."""
    first, end, _ = body.partition(b"\n")
    return bool(end) and not _is_json(body) and _is_json(first)


def _is_json(content: bytes) -> bool:
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return True
