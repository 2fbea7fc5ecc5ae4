"""Prometheus Alertmanager by its API v2: an alert for each open incident, told again and again while it is open.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml. An alert is known by its labels; it
is resolved by ``endsAt`` in the past, or when nobody tells of it any more until its last ``endsAt``.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from tracehound.schemas.anomaly import Severity
from tracehound.schemas.execution import epoch_seconds, rfc3339
from tracehound.streams.notify.hostile_text import harmless
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.outcome import Delivered, Failed, Outcome
from tracehound.streams.notify.receivers.http import HttpPoster
from tracehound.streams.notify.render import words_of
from tracehound.streams.settings.notify import Alertmanager

_NAME = 200
_SENTENCE = 1_000
_ALERTS_AT_ONCE = 100
_END_ROUNDS = 3
"""How often the end is told again: a request that was thought lost may come late, and say that it goes on."""

log = structlog.get_logger(__name__)


def alerts_of(notice: Notice, settings: Alertmanager, now_s: float, ends_too: bool = True) -> list[dict[str, Any]]:
    """The alerts of a notice, ``now_s`` in epoch seconds: that of its severity, and the ends of those before.

    Severity is a label, and an alert is known by its labels: a change of it ends one alert and begins another.
    """
    if notice.change == "resolved":
        return [_alert(notice, one, settings, now_s, now_s) for one in (notice.incident.severity, *notice.severities)]
    goes_on = _alert(notice, notice.incident.severity, settings, now_s, now_s + settings.expire_s)
    earlier = notice.severities if ends_too else ()
    return [goes_on, *(_alert(notice, one, settings, now_s, now_s) for one in earlier)]


def _alert(notice: Notice, severity: Severity, settings: Alertmanager, now_s: float, ends_s: float) -> dict[str, Any]:
    incident, cause = notice.incident, notice.incident.suspected_cause
    labels = {
        **settings.labels,
        "alertname": "TracehoundIncident",
        "application": harmless(notice.application, _NAME),
        "environment": harmless(incident.environment, _NAME),
        "severity": severity,
        "incident_id": harmless(incident.incident_id, _NAME),
    }
    annotations = {
        "summary": harmless(incident.summary, _SENTENCE),
        "description": words_of(notice, "text").body,
        "cause": harmless(f"{cause.application} {cause.operation}: {cause.why}", _SENTENCE) if cause else "",
    }
    return {
        "labels": {name: text for name, text in labels.items() if text},
        "annotations": {name: text for name, text in annotations.items() if text},
        "startsAt": rfc3339(_begin_s(incident.opened_at, now_s)),
        "endsAt": rfc3339(ends_s),
    }


def _begin_s(opened_at: str, now_s: float) -> float:
    try:
        return min(epoch_seconds(opened_at), now_s - 1.0)  # it must not begin after its end
    except ValueError:
        return now_s - 1.0


@dataclass(slots=True)
class _Current:
    notice: Notice
    ends_left: int = _END_ROUNDS


class AlertmanagerReceiver:
    """Tells one Alertmanager, and tells it again every ``resend_s`` of all incidents that are open.

    Parameters:
        authorization: value of the header of this name; empty: none.
        clock: wall time in epoch seconds.
    """

    def __init__(
        self,
        name: str,
        settings: Alertmanager,
        authorization: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._settings = settings
        self._url = settings.url.rstrip("/") + "/api/v2/alerts"
        self._headers = {"Content-Type": "application/json"} | (
            {"Authorization": authorization} if authorization else {}
        )
        self._clock = clock
        self._poster = HttpPoster(settings.timeout_s, settings.ca_file)
        self._current: dict[str, _Current] = {}
        self._one_at_a_time = asyncio.Lock()
        self._resending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell again what is open."""
        self._resending = asyncio.create_task(self._resend_for_ever())

    async def tell(self, notice: Notice) -> Outcome:
        """See ``Receiver``. What is under way of the same incident is finished before."""
        async with self._one_at_a_time:
            current = _Current(notice)
            outcome = await self._post([current])
            if isinstance(outcome, Delivered):
                self._current[notice.incident.incident_id] = current
            return outcome

    def remember(self, notice: Notice) -> None:
        """See ``Receiver``."""
        if notice.change == "resolved":
            self._current.pop(notice.incident.incident_id, None)
        else:
            self._current[notice.incident.incident_id] = _Current(notice)

    def forget(self, partition: int) -> None:
        """See ``Receiver``."""
        self._current = {name: one for name, one in self._current.items() if one.notice.record.partition != partition}

    async def resend(self) -> None:
        """Tell again of everything that is open, and of what ended lately."""
        for names in _in_parts(list(self._current)):
            async with self._one_at_a_time:
                there = [self._current[name] for name in names if name in self._current]
                outcome = await self._post(there)
                if isinstance(outcome, Failed):
                    log.warning("resend_failed", receiver=self._name, sentence=outcome.reason)
                    return
                for one in there:
                    self._count_end(one)

    async def close(self) -> None:
        """See ``Receiver``."""
        if self._resending is not None:
            self._resending.cancel()
            with suppress(asyncio.CancelledError):
                await self._resending
        await self._poster.close()

    async def _resend_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.resend_s)
            await self.resend()

    async def _post(self, notices: Sequence[_Current]) -> Outcome:
        now_s = self._clock()
        alerts = [alert for one in notices for alert in alerts_of(one.notice, self._settings, now_s, one.ends_left > 0)]
        return await self._poster.post(self._url, msgspec.json.encode(alerts), self._headers)

    def _count_end(self, one: _Current) -> None:
        one.ends_left = max(0, one.ends_left - 1)
        if one.notice.change == "resolved" and not one.ends_left:
            self._current.pop(one.notice.incident.incident_id, None)


def _in_parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(names), _ALERTS_AT_ONCE):
        yield names[begin : begin + _ALERTS_AT_ONCE]
