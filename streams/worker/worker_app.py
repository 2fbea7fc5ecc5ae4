"""The Faust app that every kind of worker is, and the options that all of them share."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from tracehound.schemas.codec import Limits
from tracehound.schemas.topics import Topic
from tracehound.streams.kafka.connection import broker_urls, faust_credentials
from tracehound.streams.kafka.runs.app import RunApp
from tracehound.streams.settings.settings import Settings
from tracehound.streams.states.state_folder import StateFolder
from tracehound.streams.worker.health import HealthServer

_RUNS_BUFFERED = 16
_RECORDS_PER_FETCH = 5_000
_HEARTBEATS_PER_SESSION = 6
_REQUEST_TIMEOUT_S = 90.0
_REBALANCE_TIMEOUT_S = 60.0


class WorkerApp(RunApp):
    """The Faust app of a worker.

    ``topics_needed`` must exist before it starts, and then ``folder`` is told the id of ``folder_topic``. ``health``
    serves its metrics. ``closing`` is called, in order, when it has stopped or could not start.
    """

    topics_needed: Sequence[Topic] = ()
    folder: StateFolder | None = None
    folder_topic: str = ""
    health: HealthServer
    closing: Sequence[Callable[[], None]] = ()

    def close(self) -> None:
        """Let go of processes, files and folders; harmless where it was done before."""
        for close in self.closing:
            close()

    async def or_crash(self, work: Awaitable[None]) -> None:
        """Await what the worker cannot do without: an error ends the worker.

        Restarting an agent alone would leave its run unacknowledged for ever.
        """
        try:
            await work
        except Exception as error:
            await self.crash(error)
            raise

    async def every(self, interval_s: float, act: Callable[[], Awaitable[None]]) -> None:
        """Do something again and again. Unlike Faust's timers it does not complain of a turn that takes long."""
        while not self.should_stop:
            await self.sleep(interval_s)
            await act()


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
