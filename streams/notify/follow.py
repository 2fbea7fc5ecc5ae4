"""Follows the incidents of one partition and says who is to be told what, and when. Pure: records in, notices out."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord

from tracehound.schemas.anomaly import SEVERITIES, Severity
from tracehound.schemas.incident import INCIDENT_TYPES, IncidentChange, IncidentEvent
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.routing import Routes

_MOST_OPEN = 10_000
_MOST_ENDED = 10_000


@dataclass(slots=True)
class _Held:
    notice: Notice
    due_s: float


@dataclass(slots=True)
class _Followed:
    """An open incident: who was told (and what last), and who is to be told later."""

    application: str
    revision: int = 0
    resolved: bool = False
    told: dict[str, Notice] = field(default_factory=dict)
    held: dict[str, _Held] = field(default_factory=dict)
    severities: dict[str, set[Severity]] = field(default_factory=dict)


@dataclass(slots=True)
class Decided:
    """What one record leads to: notices to send now, notices held until later, and held ones it makes needless."""

    now: list[Notice] = field(default_factory=list)
    held: list[Notice] = field(default_factory=list)
    needless: list[Notice] = field(default_factory=list)


class IncidentFollower:
    """Who was told of which incident of one partition, as a function of its records alone.

    All times are those of the records (Kafka timestamps, epoch seconds), so that reading the same records again,
    from far enough back, leads to the same decisions whenever that is.
    """

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._open: OrderedDict[str, _Followed] = OrderedDict()
        self._ended: OrderedDict[str, int] = OrderedDict()

    def take(self, event: IncidentEvent, record: ConsumerRecord) -> Decided:
        """Decide who is to be told of an event. A repeated or overtaken event leads to nothing."""
        decided = Decided()
        incident = event.data
        at_s = float(record.timestamp) / 1000
        followed = self._open.get(incident.incident_id)
        last_revision = followed.revision if followed else self._ended.get(incident.incident_id, 0)
        if incident.revision <= last_revision:
            return decided
        known = followed is not None or incident.incident_id in self._ended
        if followed is None:
            followed = _Followed(incident.applications[0] if incident.applications else "")
        decided.now += _release(followed, at_s)
        if followed.resolved:  # it is open again, and some were not yet told that it had ended
            followed.told = {name: last for name, last in followed.told.items() if last.change != "resolved"}
        followed.revision, followed.resolved = incident.revision, incident.state == "resolved"
        if followed.resolved:
            self._end(followed, known, event, record, at_s, decided)
        elif incident.muted_by is None:
            self._go_on(followed, event, record, at_s, decided)
        else:
            decided.needless += [one.notice for one in followed.held.values()]
            followed.held.clear()
        self._keep(incident.incident_id, followed, decided)
        return decided

    def release(self, now_s: float) -> list[Notice]:
        """Notices that were held until ``now_s`` or earlier; they are to be sent now."""
        released = [notice for followed in self._open.values() for notice in _release(followed, now_s)]
        for incident_id in [name for name, one in self._open.items() if one.resolved and not one.held]:
            self._close(incident_id)
        return released

    def held(self) -> Iterator[tuple[Notice, float]]:
        """What is held, and until when (epoch seconds)."""
        for followed in self._open.values():
            for one in followed.held.values():
                yield one.notice, one.due_s

    def open_notices(self) -> Iterator[Notice]:
        """The last notice to each receiver that was told of an incident which is open still."""
        for followed in self._open.values():
            yield from (notice for notice in followed.told.values() if notice.change != "resolved")

    def _go_on(
        self, followed: _Followed, event: IncidentEvent, record: ConsumerRecord, at_s: float, decided: Decided
    ) -> None:
        own: IncidentChange = "opened" if event.type == INCIDENT_TYPES["opened"] else "updated"
        for name in self._routes.receivers:
            told = name in followed.told
            change: IncidentChange = "updated" if told else "opened"
            decide = self._routes.told_further_s if told else self._routes.first_told_s
            due_s = decide(name, event.data, change if told else own, at_s)
            if due_s is not None:
                self._tell(followed, _notice(name, followed, event, change, record), due_s, at_s, decided)
            elif not told and name in followed.held:  # what it was to be told of later has eased
                decided.needless.append(followed.held.pop(name).notice)

    def _end(
        self,
        followed: _Followed,
        known: bool,
        event: IncidentEvent,
        record: ConsumerRecord,
        at_s: float,
        decided: Decided,
    ) -> None:
        for name in self._routes.receivers:
            if name in followed.told:
                due_s = self._routes.told_further_s(name, event.data, "resolved", at_s)
            elif known or event.data.muted_by is not None:
                due_s = None
            else:  # whoever was told is forgotten: better an end too many than one too few
                first = self._routes.first_told_s(name, event.data, "resolved", at_s)
                due_s = None if first is None else self._routes.told_further_s(name, event.data, "resolved", at_s)
            if due_s is not None:
                self._tell(followed, _notice(name, followed, event, "resolved", record), due_s, at_s, decided)
            elif name in followed.held:
                decided.needless.append(followed.held.pop(name).notice)

    def _tell(self, followed: _Followed, notice: Notice, due_s: float, at_s: float, decided: Decided) -> None:
        if earlier := followed.held.pop(notice.receiver, None):
            decided.needless.append(earlier.notice)
        if due_s <= at_s:
            _told(followed, notice)
            decided.now.append(notice)
        else:
            followed.held[notice.receiver] = _Held(notice, due_s)
            decided.held.append(notice)

    def _keep(self, incident_id: str, followed: _Followed, decided: Decided) -> None:
        self._open[incident_id] = followed
        self._open.move_to_end(incident_id)
        if followed.resolved and not followed.held:
            self._close(incident_id)
        while len(self._open) > _MOST_OPEN:
            _, forgotten = self._open.popitem(last=False)
            decided.now += [one.notice for one in forgotten.held.values()]

    def _close(self, incident_id: str) -> None:
        self._ended[incident_id] = self._open.pop(incident_id).revision
        self._ended.move_to_end(incident_id)
        while len(self._ended) > _MOST_ENDED:
            self._ended.popitem(last=False)


def _notice(
    receiver: str, followed: _Followed, event: IncidentEvent, change: IncidentChange, record: ConsumerRecord
) -> Notice:
    earlier = followed.severities.get(receiver, set()) - {event.data.severity}
    ordered = tuple(severity for severity in SEVERITIES if severity in earlier)
    return Notice(receiver, event, change, followed.application, ordered, record)


def _told(followed: _Followed, notice: Notice) -> None:
    followed.told[notice.receiver] = notice
    followed.severities.setdefault(notice.receiver, set()).add(notice.incident.severity)


def _release(followed: _Followed, now_s: float) -> list[Notice]:
    due = [one.notice for one in followed.held.values() if one.due_s <= now_s]
    for notice in due:
        del followed.held[notice.receiver]
        _told(followed, notice)
    return due
