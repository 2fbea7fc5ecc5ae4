"""How long something lasts, as people say it."""

from typing import Final

_STEPS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def length(seconds: float) -> str:
    """A length of time in its two largest units, and in one where that is enough.

    >>> length(52.4), length(60), length(3_720), length(200_000), length(7_201), length(-1)
    ('52 seconds', '1 minute', '1 hour 2 minutes', '2 days 7 hours', '2 hours', '0 seconds')
    """
    left = max(0, int(seconds))
    for number, (size, name) in enumerate(_STEPS):
        if left >= size:
            parts = [_counted(left // size, name)]
            if number + 1 < len(_STEPS) and size > 60 and left % size >= _STEPS[number + 1][0]:
                parts.append(_counted(left % size // _STEPS[number + 1][0], _STEPS[number + 1][1]))
            return " ".join(parts)
    return _counted(0, "second")


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
