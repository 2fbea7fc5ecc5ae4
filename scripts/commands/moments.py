"""Moments and durations on the command line: an age or a time such as 90m, or an RFC 3339 date-time."""

import time

import click

from tracehound.schemas.moments import AGE, UNIT_S, parse_moment

_MOST = 1_000_000


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
        given = AGE.fullmatch(value)
        if given is None or not 0 < int(given["count"]) <= _MOST:
            said = f"A duration must be a number with a unit, such as 30m, 2h or 1d. Got {value!r} instead."
            self.fail(said, param, ctx)
        return float(int(given["count"]) * UNIT_S[given["unit"]])
