"""Moments and durations on the command line: an age or a time such as 90m, or an RFC 3339 date-time."""

import re
import time

import click

from tracehound.schemas.execution import epoch_seconds

_AGE = re.compile(r"(?P<count>\d+)(?P<unit>[smhd])")
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MOST = 1_000_000


def parse_moment(text: str, now_s: float) -> float:
    """Epoch seconds of an age before now (``30s``, ``90m``, ``2h``, ``7d``) or of an RFC 3339 date-time.

    Raises:
        ValueError: it is neither.

    >>> parse_moment("2h", 10_000.0)
    2800.0
    """
    age = _AGE.fullmatch(text)
    if age:
        return now_s - int(age["count"]) * _UNIT_S[age["unit"]]
    return epoch_seconds(text)


class Moment(click.ParamType):
    """The type of an option that takes a moment."""

    name = "age or time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Epoch seconds; a usage error if the text is no moment."""
        if isinstance(value, float):
            return value
        try:
            return parse_moment(value, time.time())
        except ValueError:
            self.fail(
                f"A moment must be an age such as 90m or 7d, or an RFC 3339 date-time. Got {value!r} instead.",
                param,
                ctx,
            )


class Duration(click.ParamType):
    """The type of an option that takes a length of time."""

    name = "duration"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; a usage error if the text is no duration above 0."""
        if isinstance(value, float):
            return value
        given = _AGE.fullmatch(value)
        if given is None or not 0 < int(given["count"]) <= _MOST:
            said = f"A duration must be a number with a unit, such as 30m, 2h or 1d. Got {value!r} instead."
            self.fail(said, param, ctx)
        return float(int(given["count"]) * _UNIT_S[given["unit"]])
