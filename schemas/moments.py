"""Moments as people write them: an age such as 90m, or an RFC 3339 date-time."""

import re

from tracehound.schemas.execution import epoch_seconds

AGE = re.compile(r"(?P<count>\d{1,9})(?P<unit>[smhd])", re.ASCII)
UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def parse_moment(text: str, now_s: float) -> float:
    """Epoch seconds of an age before now (``30s``, ``90m``, ``2h``, ``7d``) or of an RFC 3339 date-time.

    Raises:
        ValueError: it is neither.

    >>> parse_moment("2h", 10_000.0)
    2800.0
    """
    age = AGE.fullmatch(text)
    if age:
        return now_s - int(age["count"]) * UNIT_S[age["unit"]]
    return epoch_seconds(text)
