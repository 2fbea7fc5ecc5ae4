"""The contract of scored log events: each as it came, with its template, how unusual it is, and how grave."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from tracehound.schemas.anomaly import Severity
from tracehound.schemas.execution import Count
from tracehound.schemas.log_levels import Level

SCORED_LOG_TYPE = "io.tracehound.log.scored.v1"
SEVERITY_OF_LEVEL: Final[Mapping[Level, Severity]] = MappingProxyType(
    {"warning": "minor", "error": "major", "critical": "critical"}
)
"""What the level alone says; lower levels say nothing."""


ATTRIBUTE_PREFIX: Final = "tracehound.log."


class LogAttributes(msgspec.Struct, frozen=True, rename=lambda name: ATTRIBUTE_PREFIX + name):
    """What an execution of the kind ``log`` says in its attributes of the log event that it is."""

    id: str
    application: str
    level: Level
    message: str
    template_id: str
    template_count: Count


class ScoredLog(msgspec.Struct):
    """A log event, once it is scored.

    ``id`` is that of the event, ``application`` the one that wrote it. ``message`` is cut to 2,000 characters, its
    secrets masked; the whole is on ``log-events.v1``. ``template`` is the message without what changes from one to the
    next, ``template_id`` its number within the application, ``template_count`` how many messages it has had, this one
    included. ``score`` is minus log10 of a false-alarm probability
    (while the models are ``warming`` it says nothing), ``anomaly_id`` the anomaly that was told of this event.
    ``severity`` is that of the level or of the anomaly, whichever is graver; null where neither says any.
    """

    id: str
    application: str
    environment: str
    version: str
    host: str
    level: Level
    message: str
    template: str
    template_id: str
    template_count: Count
    severity: Severity | None
    score: float
    warming: bool
    anomaly_id: str | None
    trace_id: str
    attributes: dict[str, Any]


class ScoredLogEvent(msgspec.Struct):
    """CloudEvents 1.0 envelope of a scored log event (structured JSON). ``id`` is that of the log event."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: ScoredLog
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: Literal["application/json"] = "application/json"
