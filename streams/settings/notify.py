"""Settings of notifications: who can be told (receivers), of what and when (routes), and how persistently."""

import re
from collections.abc import Iterable
from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from tracehound.schemas.anomaly import Severity
from tracehound.schemas.incident import IncidentChange
from tracehound.streams.settings.hours import WEEKDAYS, Hours, Weekday
from tracehound.streams.settings.mistakes import without_path

_STRICT = ConfigDict(extra="forbid", frozen=True, validate_default=True)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_OUR_VARIABLES = "TRACEHOUND_"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")

Changes = tuple[IncidentChange, ...]
Glob = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ReceiverName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


class Receiver(BaseModel):
    """What all kinds of receivers have. A secret is never in the file: it is named here, and comes from elsewhere.

    ``secret_env`` is an environment variable, ``secret_file`` a file; what it holds depends on the kind.
    """

    model_config = _STRICT

    secret_env: str = ""
    secret_file: Path | None = None
    timeout_s: Annotated[float, Gt(0), Le(300)] = 10.0
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> "Receiver":
        if self.secret_env and self.secret_file:
            raise ValueError("A receiver's settings 'secret_env' and 'secret_file' must not both be there.")
        if self.secret_env.startswith(_OUR_VARIABLES):
            raise ValueError(
                f"A receiver's setting 'secret_env' must not begin with {_OUR_VARIABLES}, which is for settings. "
                f"Got {self.secret_env!r} instead."
            )
        if self.secret_env and not _VARIABLE.fullmatch(self.secret_env):
            raise ValueError(
                "A receiver's setting 'secret_env' must name an environment variable in capital letters, digits and "
                "underscores, and not be the secret itself. Got something else instead."
            )
        return self

    @property
    def has_secret(self) -> bool:
        """Whether a secret is named."""
        return bool(self.secret_env or self.secret_file)


def _needs_secret(receiver: Receiver, what: str) -> None:
    if not receiver.has_secret:
        raise ValueError(f"A receiver of kind '{what}' must have 'secret_env' or 'secret_file'. Got neither.")


def _web_address(given: str) -> str:
    try:
        parts = urlsplit(given)
    except ValueError:
        raise ValueError("A receiver's setting 'url' must be an http or https address. Got none instead.") from None
    if parts.username or parts.password:
        raise ValueError("A receiver's setting 'url' must hold neither user nor password: name a secret instead.")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        got = without_path(given)
        raise ValueError(f"A receiver's setting 'url' must be an http or https address. Got {got!r} instead.")
    return given


class Alertmanager(Receiver):
    """A Prometheus Alertmanager (API v2). The secret, if named, is the value of the header ``Authorization``.

    ``url`` is its root. ``expire_s`` is how long after the last re-sending it may take an incident for resolved.
    ``labels`` are added to those of each alert.
    """

    kind: Literal["alertmanager"]
    url: str
    resend_s: Annotated[float, Gt(0), Le(3_600)] = 60.0
    expire_s: Annotated[float, Ge(60), Le(604_800)] = 3_600.0
    labels: dict[Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")], str] = {}

    _address = field_validator("url")(_web_address)

    @model_validator(mode="after")
    def _expires_later(self) -> "Alertmanager":
        if self.expire_s < 2 * self.resend_s:
            raise ValueError(
                f"An Alertmanager's setting 'expire_s' must be at least twice 'resend_s'. Got {self.expire_s:g} and "
                f"{self.resend_s:g} instead."
            )
        return self


class PagerDuty(Receiver):
    """A service of PagerDuty (Events API v2). The secret is its integration (routing) key."""

    kind: Literal["pagerduty"]
    url: str = "https://events.pagerduty.com/v2/enqueue"

    _address = field_validator("url")(_web_address)

    @model_validator(mode="after")
    def _secret(self) -> "PagerDuty":
        _needs_secret(self, "pagerduty")
        return self


class Webhook(Receiver):
    """Any HTTP server; it gets the incident's CloudEvent, signed as Standard Webhooks has it.

    The secret signs; several, one in each line, sign side by side, so that they can be changed.
    """

    kind: Literal["webhook"]
    url: str

    _address = field_validator("url")(_web_address)

    @model_validator(mode="after")
    def _secret(self) -> "Webhook":
        _needs_secret(self, "webhook")
        return self


class AppriseUrl(Receiver):
    """Anything that Apprise can reach: chats, mail, SMS. The secret is the one Apprise URL, since it holds tokens."""

    kind: Literal["apprise"]
    format: Literal["text", "markdown"] = "text"

    @model_validator(mode="after")
    def _secret(self) -> "AppriseUrl":
        _needs_secret(self, "apprise")
        return self


AnyReceiver = Annotated[Alertmanager | PagerDuty | Webhook | AppriseUrl, Field(discriminator="kind")]


class HoursSettings(BaseModel):
    """When a route is open; times as 08:00 by the clocks of the time zone, an IANA name."""

    model_config = _STRICT

    begins: str
    ends: str
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    time_zone: str = "UTC"
    critical_at_any_time: bool = True

    @field_validator("begins", "ends")
    @classmethod
    def _clock(cls, given: str) -> str:
        if not _CLOCK.fullmatch(given):
            raise ValueError(f"A route's hours must begin and end at HH:MM, 00:00 to 23:59. Got {given!r} instead.")
        return given

    @field_validator("weekdays")
    @classmethod
    def _some_day(cls, given: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
        if not given:
            raise ValueError(f"A route's hours must name at least one weekday of {', '.join(WEEKDAYS)}. Got none.")
        return given

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, given: str) -> str:
        try:
            ZoneInfo(given)
        except (KeyError, OSError, ValueError):
            raise ValueError(
                f"A route's time zone must be an IANA name such as Europe/Berlin. Got {given!r} instead."
            ) from None
        return given

    @property
    def hours(self) -> Hours:
        """The hours themselves."""
        begins, ends = time.fromisoformat(self.begins), time.fromisoformat(self.ends)
        return Hours(begins, ends, self.weekdays, ZoneInfo(self.time_zone))


class Route(BaseModel):
    """Which incidents go to which receivers; whatever is not given lets everything through.

    ``applications`` and ``environments`` are globs (``shop-*``), of which one must match one of the incident's.
    ``recurring``: what is as on other days, and no worse, too.
    """

    model_config = _STRICT

    receivers: Annotated[tuple[ReceiverName, ...], Field(min_length=1)]
    applications: tuple[Glob, ...] = ()
    environments: tuple[Annotated[str, StringConstraints(max_length=200)], ...] = ()
    severity: Severity = "minor"
    changes: Changes = ("opened", "updated", "resolved")
    hours: HoursSettings | None = None
    recurring: bool = False


class NotifySettings(BaseModel):
    """Everything that can be set of notifications; single values also by ``TRACEHOUND_NOTIFY__…``."""

    model_config = _STRICT

    group_id: str = Field(default="tracehound-notify", min_length=1, description="Consumer group of notifications")
    http_port: Annotated[int, Ge(0), Le(65_535)] = Field(
        default=8783, description="Port of the notifier's metrics and health; 0: any"
    )
    give_up_s: Annotated[float, Ge(0), Le(86_400)] = Field(
        default=900.0, description="How long a message is tried again before it becomes a dead letter"
    )
    first_retry_s: Annotated[float, Gt(0), Le(600)] = Field(
        default=1.0, description="Pause before a message is tried again; it doubles from time to time"
    )
    longest_retry_s: Annotated[float, Gt(0), Le(3_600)] = Field(
        default=60.0, description="Longest pause between attempts, unless the receiver asks for a longer one"
    )
    attempts_at_once: Annotated[int, Ge(1), Le(100)] = Field(
        default=4, description="Messages on their way to one receiver at the same time, each of another incident"
    )
    queue_size: Annotated[int, Ge(1), Le(100_000)] = Field(
        default=1_000,
        description="Messages that may wait for one receiver; above it reading waits while the receiver takes any, "
        "and messages become dead letters while it does not",
    )
    remember_s: Annotated[float, Ge(3_600), Le(31_536_000)] = Field(
        default=604_800.0,
        description="How far back incidents are read at a start, to know which are open and who was told",
    )
    receivers: dict[ReceiverName, AnyReceiver] = Field(
        default={}, description="Who can be told, by name; see docs/notifications.md"
    )
    routes: tuple[Route, ...] = Field(
        default=(), description="Which incidents go to which receivers; see docs/notifications.md"
    )

    @model_validator(mode="after")
    def _receivers_and_routes_fit(self) -> "NotifySettings":
        routed = {name for route in self.routes for name in route.receivers}
        if unknown := routed - self.receivers.keys():
            raise ValueError(f"Routes must name receivers that exist. Got {_named(unknown)} instead.")
        if idle := self.receivers.keys() - routed:
            raise ValueError(f"Each receiver must be named by a route. None names {_named(idle)}.")
        return self


def _named(names: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(names)))
