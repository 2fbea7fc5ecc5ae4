"""``/ui/status``: how tracehound itself is."""

import platform
from importlib.metadata import version
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.status.cluster import ClusterTold
from tracehound.console.status.queries import (
    kept_tables,
    readiness,
    scored_through,
    stored_topics,
    unreadable_count,
)
from tracehound.console.web.visits import Page, Visit


class Cluster(Protocol):
    """Knows what Kafka says; see ``KafkaCluster``."""

    def look(self) -> ClusterTold | None:
        """What it said last; None where it has not answered yet."""
        ...


def status_page(cluster: Cluster) -> Page:
    """The page, which asks this cluster."""

    async def status(_: Request, visit: Visit) -> Response:
        return await run_in_threadpool(_status, visit, cluster)

    return status


def _status(visit: Visit, cluster: Cluster) -> Response:
    console = visit.console
    told = cluster.look()
    with console.store.read() as connection:
        ready, operations = readiness(connection)
        given: dict[str, Any] = {
            "topics": stored_topics(connection),
            "tables": kept_tables(connection),
            "unreadable": unreadable_count(connection),
            "scored": scored_through(connection),
        }
    settings = console.settings
    return visit.page(
        "status/status.html",
        here="status",
        live="3" if told is None else "10",
        cluster=told,
        ready=ready,
        operations=operations,
        needed=settings.detection.warm_up_executions,
        version=version("tracehound"),
        python=platform.python_version(),
        database=console.store.name,
        keep=(settings.console.keep_days, settings.console.keep_mb),
        servers=settings.bootstrap_servers,
        **given,
    )
