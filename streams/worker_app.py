"""The Faust app that every kind of worker is, and the options that all of them share."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from detectors.fitting import Fitter
from schemas.codec import Limits
from schemas.topics import Topic
from streams.batch_consumer import RunApp
from streams.connection import broker_urls, faust_credentials
from streams.health import HealthServer
from streams.settings import Settings

_RUNS_BUFFERED = 16
_RECORDS_PER_FETCH = 5_000
_HEARTBEATS_PER_SESSION = 6
_REQUEST_TIMEOUT_S = 90.0
_REBALANCE_TIMEOUT_S = 60.0


class WorkerApp(RunApp):
    """The Faust app of a worker.

    ``topics_needed`` must exist before it starts, ``health`` serves its metrics, ``fitter`` runs its refits.
    """

    topics_needed: Sequence[Topic] = ()
    health: HealthServer
    fitter: Fitter | None = None

    async def on_stop(self) -> None:
        """Stop as Faust does, then the processes that refit."""
        await super().on_stop()
        if self.fitter is not None:
            self.fitter.close()


def limits_of(settings: Settings) -> Limits:
    """What a record of executions must keep."""
    return Limits(
        max_event_bytes=settings.max_event_bytes,
        max_record_bytes=settings.max_record_bytes,
        max_segments=settings.max_segments,
        max_future_s=settings.max_future_s,
    )


def faust_options(settings: Settings, run_topics: Collection[str]) -> Mapping[str, Any]:
    """Options of the app that reads ``run_topics``."""
    return {
        "run_topics": run_topics,
        "broker_is_embedded": settings.broker_is_embedded,
        "broker": broker_urls(settings),
        "broker_credentials": faust_credentials(settings),
        "broker_session_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": min(3.0, settings.session_timeout_s / _HEARTBEATS_PER_SESSION),
        "broker_request_timeout": max(_REQUEST_TIMEOUT_S, settings.session_timeout_s + 1.0),
        "broker_rebalance_timeout": _REBALANCE_TIMEOUT_S,
        "broker_commit_interval": settings.commit_interval_s,
        "broker_max_poll_records": _RECORDS_PER_FETCH,
        "stream_buffer_maxsize": _RUNS_BUFFERED,
        "store": "memory://",
        "topic_partitions": settings.partitions,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "table_standby_replicas": 0,
        "web_enabled": False,
        "worker_redirect_stdouts": False,
    }
