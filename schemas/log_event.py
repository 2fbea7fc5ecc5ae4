"""The contract of log events: what an application, or the machine that it runs on, says of itself."""

from typing import Annotated, Any

import msgspec

from tracehound.schemas.execution import DateTime, EpochSeconds

LOG_SUFFIX = " logs"
"""Put behind an application's name where its log events are scored, unless the settings say otherwise."""
MOST_NAME = 180
"""An application's name is that of an execution too, with a word behind it."""


class LogEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """One log event: the value of ``log-events.v1``, alone or in an array.

    ``level`` is any name of one (``schemas.log_levels``). Without an ``application`` it is of the setting
    ``intake.log_application``, without a ``timestamp`` (epoch seconds, or an RFC 3339 date-time with an offset) of the
    time at which it was taken, without an ``id`` of one that tracehound makes. Unknown fields are ignored.
    """

    message: Annotated[str, msgspec.Meta(min_length=1, max_length=100_000)]
    level: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    application: Annotated[str, msgspec.Meta(max_length=MOST_NAME)] = ""
    host: Annotated[str, msgspec.Meta(max_length=255)] = ""
    timestamp: EpochSeconds | DateTime | None = None
    attributes: dict[str, Any] = {}
    environment: Annotated[str, msgspec.Meta(max_length=200)] = ""
    version: Annotated[str, msgspec.Meta(max_length=200)] = ""
    trace_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    span_id: Annotated[str, msgspec.Meta(max_length=32)] = ""
    id: Annotated[str, msgspec.Meta(max_length=64)] = ""
