"""PagerDuty by its Events API v2: an incident triggers, updates and resolves one alert by its ``dedup_key``.

Source: https://developer.pagerduty.com/docs/events-api-v2/overview/ (limits: 512 KB an event, 1,024 characters of
summary, 255 of ``dedup_key``).
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from tracehound.schemas.anomaly import Severity
from tracehound.streams.notify.hostile_text import harmless
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.outcome import Outcome, WithoutMemory
from tracehound.streams.notify.receivers.http import HttpPoster
from tracehound.streams.notify.render import title_of, words_of
from tracehound.streams.settings.notify import PagerDuty

_SEVERITIES: Mapping[Severity, str] = {"critical": "critical", "major": "error", "minor": "warning"}
_SUMMARY = 1_024
_DEDUP_KEY = 255
_NAME = 200


def event_of(notice: Notice, routing_key: str) -> dict[str, Any]:
    """The event for the enqueue endpoint. It is bounded by its parts, far below 512 KB.

    An end carries the payload, too: PagerDuty does not ask for it, but event rules route by it.
    """
    incident = notice.incident
    key = incident.dedup_key
    if len(key) > _DEDUP_KEY:
        key = blake2b(key.encode(), digest_size=32).hexdigest()
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if notice.change == "resolved" else "trigger",
        "dedup_key": key,
    }
    cause = incident.suspected_cause
    event["client"] = "tracehound"
    event["payload"] = {
        "summary": title_of(notice, _SUMMARY),
        "source": harmless(notice.application or "tracehound", _NAME),
        "severity": _SEVERITIES[incident.severity],
        "timestamp": incident.opened_at,
        "component": harmless(f"{cause.application} {cause.operation}".strip(), _NAME) if cause else "",
        "group": harmless(incident.environment, _NAME),
        "class": ", ".join(incident.kinds),
        "custom_details": {"incident_id": incident.incident_id, "text": words_of(notice, "text").body},
    }
    return event


class PagerDutyReceiver(WithoutMemory):
    """Sends to one service. Events of the same ``dedup_key`` are one alert there, so repeating one does no harm."""

    def __init__(self, settings: PagerDuty, routing_key: str) -> None:
        self._url = settings.url
        self._routing_key = routing_key
        self._poster = HttpPoster(settings.timeout_s, settings.ca_file)

    async def tell(self, notice: Notice) -> Outcome:
        """See ``Receiver``."""
        body = msgspec.json.encode(event_of(notice, self._routing_key))
        return await self._poster.post(self._url, body, {"Content-Type": "application/json"})

    async def close(self) -> None:
        """See ``Receiver``."""
        await self._poster.close()
