"""Tools that say what was found: incidents, anomalies, the executions that show them, and log events."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from tracehound.schemas.anomaly import Severity
from tracehound.schemas.incident import IncidentState
from tracehound.schemas.log_levels import Level
from tracehound.scripts.assistants.asking import Asking, Cursor, Id, Limit, Moment, Name
from tracehound.scripts.console.client import NotKeptError
from tracehound.scripts.console.shapes import (
    Anomaly,
    ExemplarShape,
    IncidentShape,
    LogShape,
    Templates,
    WaterfallShape,
)

_OF_INCIDENT: Final = (
    *("incident_id", "state", "severity", "environment", "summary", "opened_at", "updated_at", "resolved_at"),
    *("applications", "anomaly_count"),
)
_OF_ANOMALY: Final = (
    *("application", "environment", "operation", "kind", "severity", "score", "reason"),
    *("typical", "actual", "unit"),
)
_OF_LOG: Final = ("application", "environment", "host", "level", "severity", "message", "template_id")
_Severities = Annotated[list[Severity], Field(max_length=3, description="Only of these; empty: of all.")]


class FindingTools:
    """What was found.

    Parameters:
        asking: of the console.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def list_incidents(
        self,
        application: Name | None = None,
        environment: Name | None = None,
        state: Annotated[list[IncidentState], Field(max_length=3)] = [],  # noqa: B006 (never changed)
        severity: _Severities = [],  # noqa: B006 (never changed)
        since: Moment | None = None,
        until: Moment | None = None,
        limit: Limit = 20,
        cursor: Cursor | None = None,
    ) -> str:
        """List incidents, those opened last first. An incident is what belongs together of many anomalies."""
        asked = {"application": application, "environment": environment, "since": since, "until": until}
        return self._asking.listed(
            IncidentShape,
            "incidents",
            told=lambda one: _some(_OF_INCIDENT, one["data"]),
            limit=limit,
            cursor=cursor,
            state=state,
            severity=severity,
            **asked,
        )

    def get_incident(self, incident_id: Id) -> str:
        """Tell an incident as it is now, and its cause: what is suspected, what else could be, the paths from there.

        A path leads from the suspected cause, caller by caller, to where people notice it.
        """
        client = self._asking.client
        event = client.get(IncidentShape, "incidents", incident_id)
        cause = client.get(dict[str, Any], "incidents", incident_id, "cause")
        return self._asking.one({"time": event["time"], **event["data"], "cause": cause})

    def get_incident_timeline(self, incident_id: Id, cursor: Cursor | None = None) -> str:
        """Tell an incident's life in its order: opened, each change with its reason, resolved."""
        found = self._asking.client.page(IncidentShape, "incidents", incident_id, "timeline")
        items = [
            {"id": one["id"], "time": one["time"], **_some((*_OF_INCIDENT, "reason"), one["data"])}
            for one in found["items"]
        ]
        return self._asking.of_whole({"incident_id": incident_id}, items, _id, cursor)

    def list_incident_anomalies(self, incident_id: Id, cursor: Cursor | None = None) -> str:
        """List the anomalies of an incident's applications while it lasted, the oldest first."""
        found = self._asking.client.page(Anomaly, "incidents", incident_id, "anomalies")
        items = [_anomaly_told(one) for one in found["items"]]
        return self._asking.of_whole({"incident_id": incident_id}, items, _id, cursor)

    def list_anomalies(
        self,
        application: Name | None = None,
        environment: Name | None = None,
        operation: Annotated[str, Field(max_length=1_000, description="Together with its application.")] | None = None,
        severity: _Severities = [],  # noqa: B006 (never changed)
        since: Moment | None = None,
        until: Moment | None = None,
        limit: Limit = 20,
        cursor: Cursor | None = None,
    ) -> str:
        """List anomalies, the newest first: what deviates, from what, how gravely, and why it was told."""
        asked = {"application": application, "environment": environment, "operation": operation}
        return self._asking.listed(
            Anomaly,
            "anomalies",
            told=_anomaly_told,
            limit=limit,
            cursor=cursor,
            severity=severity,
            since=since,
            until=until,
            **asked,
        )

    def get_anomaly(self, anomaly_id: Id) -> str:
        """Tell all that an anomaly's event says: evidence, bounds, what it lies in, what the executions share."""
        event = self._asking.client.get(Anomaly, "anomalies", anomaly_id)
        return self._asking.one({"id": event["id"], "time": event["time"], **event["data"]})

    def explain_anomaly(self, anomaly_id: Id, cursor: Cursor | None = None) -> str:
        """Show an anomaly's execution segment by segment beside a usual one: where its time went.

        Items are segments, the longest first, those of the anomalous execution before those of the usual one;
        ``usual_ms`` is what the same took there, ``call_gap_ms`` what the callee does not account for. Without a kept
        execution, only what the anomaly says.
        """
        client = self._asking.client
        event = client.get(Anomaly, "anomalies", anomaly_id)
        head: dict[str, Any] = {"anomaly": _anomaly_told(event)}
        try:
            exemplar = client.get(ExemplarShape, "exemplars", event["id"])
        except NotKeptError:
            return self._asking.one(head | {"evidence": event["data"].get("evidence"), "items": [], "next": None})
        items: list[dict[str, Any]] = []
        for name, execution in (("anomalous", exemplar["execution"]), ("usual", exemplar["usual"])):
            head[name] = None if execution is None else {**execution, "bars": len(execution["bars"])}
            items += [] if execution is None else _segments(name, execution)
        return self._asking.of_whole(head, items, lambda one: f"{one['of']} {one['index']}", cursor)

    def list_logs(
        self,
        application: Name | None = None,
        level: Annotated[list[Level], Field(max_length=6)] = [],  # noqa: B006 (never changed)
        severity: _Severities = [],  # noqa: B006 (never changed)
        words: Annotated[str, Field(max_length=1_000, description="All in the message, in any order.")] | None = None,
        template_id: Name | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        limit: Limit = 20,
        cursor: Cursor | None = None,
    ) -> str:
        """List log events, the newest first, each with level, severity and the template of its message."""
        asked = {"application": application, "words": words, "template_id": template_id}
        return self._asking.listed(
            LogShape,
            "logs",
            told=lambda one: {"id": one["id"], "time": one["time"], **_some(_OF_LOG, one["data"])},
            limit=limit,
            cursor=cursor,
            level=level,
            severity=severity,
            since=since,
            until=until,
            **asked,
        )

    def list_log_templates(
        self,
        application: Name | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        cursor: Cursor | None = None,
    ) -> str:
        """List what messages said, the most frequent first: how often now and as long before, which are new or burst.

        Without ``since`` and ``until`` it is of the last day.
        """
        asked = {"application": application, "since": since, "until": until, "limit": 200}
        found = self._asking.client.get(Templates, "logs", "templates", **asked)
        return self._asking.of_whole(
            {}, found["items"], lambda one: f"{one['template_id']} {one['application']}", cursor
        )


def tools(asking: Asking) -> Sequence[Any]:
    """All of them."""
    own = FindingTools(asking)
    return (
        own.list_incidents,
        own.get_incident,
        own.get_incident_timeline,
        own.list_incident_anomalies,
        own.list_anomalies,
        own.get_anomaly,
        own.explain_anomaly,
        own.list_logs,
        own.list_log_templates,
    )


def _some(names: Sequence[str], data: Any) -> dict[str, Any]:
    return {name: data[name] for name in names if name in data}


def _anomaly_told(event: Anomaly) -> dict[str, Any]:
    return {"id": event["id"], "time": event["time"], **_some(_OF_ANOMALY, event["data"])}


def _segments(of: str, execution: WaterfallShape) -> Iterator[dict[str, Any]]:
    bars = execution["bars"]
    for index in sorted(range(len(bars)), key=lambda one: -bars[one]["duration_ms"]):
        yield {"of": of, "index": index, **bars[index]}


def _id(item: dict[str, Any]) -> str:
    return str(item["id"])
