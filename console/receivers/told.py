"""What may be known of receivers: who they are and what goes to them, without what is secret."""

from typing import Literal

import msgspec

from tracehound.schemas.anomaly import Severity
from tracehound.schemas.incident import IncidentChange
from tracehound.streams.settings.mistakes import without_path
from tracehound.streams.settings.notify import NotifySettings


class RouteTold(msgspec.Struct):
    """Which incidents go to a receiver; empty lists let all through. ``recurring``: what is as on other days, too."""

    applications: list[str]
    environments: list[str]
    severity: Severity
    changes: list[IncidentChange]
    recurring: bool


class ReceiverTold(msgspec.Struct):
    """A receiver as it is set; of its address what may be known (empty: all of it is secret)."""

    name: str
    kind: Literal["alertmanager", "pagerduty", "webhook", "apprise"]
    address: str
    routes: list[RouteTold]


def receivers_told(notify: NotifySettings) -> list[ReceiverTold]:
    """All receivers, by their names."""
    return [
        ReceiverTold(
            name,
            receiver.kind,
            without_path(getattr(receiver, "url", "")) if hasattr(receiver, "url") else "",
            [
                RouteTold(
                    *(list(route.applications), list(route.environments), route.severity, list(route.changes)),
                    route.recurring,
                )
                for route in notify.routes
                if name in route.receivers
            ],
        )
        for name, receiver in sorted(notify.receivers.items())
    ]
