"""What is answered about the executions of an operation: where one of their numbers lies, as a whole and over time."""

import msgspec


class Quantile(msgspec.Struct, frozen=True):
    """``value`` is the number that a share ``p`` of the executions is at most."""

    p: float
    value: float


class HistogramBucket(msgspec.Struct, frozen=True):
    """So many numbers above ``above`` and up to ``to``; of negative ones those from ``above`` and below ``to``."""

    above: float
    to: float
    count: int


class Distribution(msgspec.Struct, frozen=True):
    """Where the number ``name`` of an operation's executions lies.

    ``since`` and ``until`` (RFC 3339) are what was covered: windows as a whole. ``executions``, of which ``errors``
    failed, are all of that time; ``results`` says how many had which result (an empty one stands for those beyond a
    bound). ``count`` of them have the number; ``low``, ``high`` and ``mean`` are exact, and null without any. Each
    quantile is within ``relative_error`` of its value. ``names`` are the numbers that there are.
    """

    application: str
    environment: str
    operation: str
    name: str
    since: str | None
    until: str | None
    executions: int
    errors: int
    results: dict[str, int]
    names: list[str]
    count: int
    mean: float | None
    low: float | None
    high: float | None
    relative_error: float
    quantiles: list[Quantile]
    histogram: list[HistogramBucket]


class Stretch(msgspec.Struct, frozen=True):
    """``width_s`` seconds from ``start`` (RFC 3339) on; ``values`` are quantiles, at each ``p`` that is asked."""

    start: str
    width_s: int
    executions: int
    errors: int
    count: int
    mean: float | None
    low: float | None
    high: float | None
    values: list[float]


class OverTime(msgspec.Struct, frozen=True):
    """The number ``name`` of an operation's executions, stretch by stretch; stretches without executions are left out.

    Stretches are of ``step_s`` seconds, or longer where only longer windows are kept.
    """

    application: str
    environment: str
    operation: str
    name: str
    relative_error: float
    step_s: int
    p: list[float]
    stretches: list[Stretch]


class Operation(msgspec.Struct, frozen=True):
    """An operation whose executions are kept. Empty names stand for those beyond the bounds, together."""

    application: str
    environment: str
    operation: str
