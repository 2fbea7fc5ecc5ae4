"""Tools that say how applications, their operations and their models are."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from tracehound.scripts.assistants.asking import Asking, Cursor, Id, Limit, Moment, Name
from tracehound.scripts.console.shapes import (
    Application,
    Distribution,
    Items,
    ModelEventShape,
    Models,
    Operation,
)

_PROGRESS_STEPS: Final = 60
_Numbered = Annotated[
    str, Field(max_length=1_000, description="duration_ms, result, cpu_ms, memory_peak_mb, or attributes.NAME.")
]


class ApplicationTools:
    """How applications, operations and models are.

    Parameters:
        asking: of the console.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def list_applications(
        self, environment: Name | None = None, limit: Limit = 50, cursor: Cursor | None = None
    ) -> str:
        """List applications by name: health (the gravest severity of open incidents), executions, errors, anomalies.

        Begin here: other tools want an application's name, and its environment where that is not empty.
        """
        return self._asking.listed(Application, "applications", limit=limit, cursor=cursor, environment=environment)

    def get_application(self, application: Id, environment: Name = "", since: Moment = "1h") -> str:
        """Tell how one application is: health, versions that were seen, and traffic and errors minute by minute.

        Minutes are told the newest first, 60 at most, from ``since`` on.
        """
        client = self._asking.client
        told: dict[str, Any] = dict(client.get(Application, "applications", application, environment=environment))
        for name, query in (("versions", {}), ("progress", {"since": since})):
            found = client.get(Items, "applications", application, name, environment=environment, **query)
            told[name] = found["items"][:_PROGRESS_STEPS]
        return self._asking.one(told)

    def list_operations(
        self,
        application: Name | None = None,
        environment: Name | None = None,
        limit: Limit = 50,
        cursor: Cursor | None = None,
    ) -> str:
        """List operations whose executions are kept; ``get_operation`` says how long one takes."""
        return self._asking.listed(
            Operation, "operations", limit=limit, cursor=cursor, application=application, environment=environment
        )

    def get_operation(
        self,
        application: Id,
        operation: Id,
        environment: Name = "",
        name: _Numbered = "duration_ms",
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> str:
        """Tell where a number of an operation's executions lies: count, errors, quantiles, and a coarse histogram.

        Without ``since`` it is of the newest day that is kept. Compare two stretches by asking twice.
        """
        where = {"application": application, "operation": operation, "environment": environment, "name": name}
        told = self._asking.client.get(
            Distribution, "operations", "distribution", buckets=20, since=since, until=until, **where
        )
        return self._asking.one(told)

    def show_models(self, application: Id, environment: Name = "", cursor: Cursor | None = None) -> str:
        """Tell what the models of an application are: ready or what is missing, what they learned, their training.

        An application without ready models is not judged yet: no anomaly then means nothing.
        """
        told = self._asking.client.get(Models, "models", application=application, environment=environment)
        head = {"application": application, "environment": environment, "ready": told["ready"]}
        return self._asking.of_whole(head, told["items"], lambda one: f"{one['model']} {one['operation']}", cursor)

    def list_model_events(
        self,
        application: Name | None = None,
        environment: Name | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        limit: Limit = 20,
        cursor: Cursor | None = None,
    ) -> str:
        """List what happened to models, the newest first: ready, trained with its cost, releases, feedback, loss."""
        return self._events("events", application, environment, since, until, limit, cursor)

    def list_drift(
        self,
        application: Name | None = None,
        environment: Name | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        limit: Limit = 20,
        cursor: Cursor | None = None,
    ) -> str:
        """List what is no longer as it was, the newest first: drift that was noticed, and what is the new normal."""
        return self._events("drift", application, environment, since, until, limit, cursor)

    def _events(
        self,
        which: str,
        application: str | None,
        environment: str | None,
        since: str | None,
        until: str | None,
        limit: int,
        cursor: str | None,
    ) -> str:
        asked = {"application": application, "environment": environment, "since": since, "until": until}
        return self._asking.listed(
            ModelEventShape, "models", which, told=_event_told, limit=limit, cursor=cursor, **asked
        )


def tools(asking: Asking) -> Sequence[Any]:
    """All of them."""
    own = ApplicationTools(asking)
    return (
        own.list_applications,
        own.get_application,
        own.list_operations,
        own.get_operation,
        own.show_models,
        own.list_model_events,
        own.list_drift,
    )


def _event_told(event: ModelEventShape) -> dict[str, Any]:
    return {"id": event["id"], "time": event["time"], **event["data"]}
