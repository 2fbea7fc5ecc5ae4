"""Answers of bounded size: what an assistant reads is all that it can think of, and is paid for by the word."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

MOST_BYTES: Final = 24_000
"""Of an answer, in UTF-8: some 6,000 tokens."""
_SHORTER: Final = (2_000, 500, 200, 100, 50, 20, 10, 5, 2, 1)
_DEEPEST: Final = 40
_HIDDEN: Final = re.compile(r"[^\x20-\x7e]")

Told = Mapping[str, Any]


def as_json(told: object) -> str:
    r"""JSON in one line; characters that nobody sees (controls, bidi marks, tags) are written as escapes.

    >>> as_json({"name": "caf\u00e9 \u202e"})
    '{"name":"café \\u202e"}'
    """
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return _HIDDEN.sub(lambda one: one[0] if one[0].isprintable() else json.dumps(one[0])[1:-1], text)


def size_of(told: object) -> int:
    """Bytes of an answer."""
    return len(as_json(told).encode())


def shortened(told: Any, most: int = MOST_BYTES) -> Any:
    """The same, with texts and lists cut until it fits; each says what was left out.

    >>> shortened({"message": "x" * 100, "items": [1, 2]}, 90)
    {'message': 'xxxxxxxxxxxxxxxxxxxx… (80 more characters)', 'items': [1, 2]}
    """
    if size_of(told) <= most:
        return told
    for longest in _SHORTER:
        cut = _cut(told, longest)
        if size_of(cut) <= most:
            return cut
    return {"…": "(too long to be told)"}


def _cut(value: Any, longest: int, depth: int = 0) -> Any:
    if isinstance(value, str):
        left = len(value) - longest
        return value if left <= 0 else f"{value[:longest]}… ({left} more characters)"
    if not isinstance(value, (list, dict)):
        return value
    if depth == _DEEPEST:
        return "… (deeper than is told)"
    left = len(value) - longest
    if isinstance(value, list):
        kept = [_cut(one, longest, depth + 1) for one in value[:longest]]
        return kept if left <= 0 else [*kept, f"… ({left} more)"]
    members = {name[:200]: _cut(one, longest, depth + 1) for name, one in list(value.items())[: max(longest, 20)]}
    left = len(value) - len(members)
    return members if left <= 0 else members | {"…": f"({left} more)"}


def page(
    head: Told,
    items: Sequence[Any],
    key: Callable[[Any], str],
    cursor: str | None = None,
    most: int = MOST_BYTES,
) -> dict[str, Any]:
    """Of a list that is known whole: so many items as fit, behind the one whose key the cursor is.

    Raises:
        KeyError: no item has that key.

    >>> told = page({}, ["a" * 20, "b" * 20, "c" * 20], lambda one: one[0], most=85)
    >>> told["next"], page({}, ["a" * 20, "b" * 20, "c" * 20], lambda one: one[0], told["next"])["items"]
    ('b', ['cccccccccccccccccccc'])
    """
    begin = 0
    if cursor is not None:
        begin = next((number + 1 for number, one in enumerate(items) if key(one) == cursor), 0)
        if not begin:
            raise KeyError(cursor)
    here = shortened(dict(head), most // 2)
    room = most - size_of({**here, "items": [], "next": None})
    told: list[Any] = []
    for one in items[begin:]:
        own = shortened(one, most // 3)
        following = key(one)
        room -= size_of(own) + 1
        if told and room < size_of(following):
            return {**here, "items": told, "next": key(items[begin + len(told) - 1])}
        told.append(own)
    return {**here, "items": told, "next": None}
