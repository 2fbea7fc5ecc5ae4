"""What every worker is built on, whatever it does: metrics, a publisher, deliveries, an app, health."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter

from tracehound.streams.delivery.delivery import Delivery, DeliveryMetrics
from tracehound.streams.kafka.aiokafka_options import broker_urls
from tracehound.streams.kafka.bounded_batches import BATCHES_REFUSED
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.kafka.connection import faust_credentials
from tracehound.streams.kafka.publisher import KafkaPublisher
from tracehound.streams.kafka.runs.app import RunApp
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.failure import Failure
from tracehound.streams.worker.health import HealthServer, Vitals
from tracehound.streams.worker.process import give_back_freed_memory
from tracehound.streams.worker.process_metrics import tell_of_process
from tracehound.streams.worker.tracing import traced_runs

_RUNS_BUFFERED = 16
_RECORDS_PER_FETCH = 5_000
_HEARTBEATS_PER_SESSION = 6
_REQUEST_TIMEOUT_S = 90.0
_REBALANCE_TIMEOUT_S = 60.0
_METADATA_AGE_MS = 30_000
"""A member whose topic was made anew is without partitions until it asks again, which by default takes five minutes."""


class Foundation:
    """Makes the parts that all kinds of workers have, from the settings that they share. Nothing connects here.

    ``registry`` takes the worker's metrics, ``failure`` is told of what ends it, ``clients`` are those of its cluster,
    ``publisher`` sends its records.
    """

    def __init__(self, settings: Settings, clients: KafkaClients | None = None) -> None:
        self._settings = settings
        self.registry = CollectorRegistry()
        tell_of_process(self.registry)
        self.registry.register(BATCHES_REFUSED)
        self.failure = Failure()
        self.clients = clients or KafkaClients(settings)
        self.publisher = KafkaPublisher(settings, self.clients)

    def app(self, group_id: str, lost: Counter) -> RunApp:
        """A Faust app that reads as a member of a consumer group; the publisher starts before it and stops after it.

        ``lost`` counts the records that Kafka deleted before they were read.
        """
        settings = self._settings
        return RunApp(
            group_id,
            patience_s=settings.finish_timeout_s,
            gather_s=settings.gather_s,
            lost=lost.inc,
            reassigned=give_back_freed_memory,
            topic_id=self.clients.topic_id,
            transport=self.clients.transport,
            make_run=traced_runs(settings.traces_endpoint),
            consumer_metadata_max_age_ms=_METADATA_AGE_MS,
            services_first=(self.publisher,),
            broker_is_embedded=settings.broker_is_embedded,
            broker=broker_urls(settings),
            broker_credentials=faust_credentials(settings),
            broker_session_timeout=settings.session_timeout_s,
            broker_heartbeat_interval=heartbeat_interval_s(settings),
            broker_request_timeout=max(_REQUEST_TIMEOUT_S, settings.session_timeout_s + 1.0),
            broker_rebalance_timeout=_REBALANCE_TIMEOUT_S,
            broker_commit_interval=settings.commit_interval_s,
            broker_max_poll_records=_RECORDS_PER_FETCH,
            stream_buffer_maxsize=_RUNS_BUFFERED,
            store="memory://",
            topic_partitions=settings.partitions,
            topic_allow_declare=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            web_enabled=False,
            worker_redirect_stdouts=False,
        )

    def delivery(self, metrics: DeliveryMetrics) -> Delivery:
        """Takes what one agent's runs lead to; each agent has its own."""
        settings = self._settings
        return Delivery(
            self.publisher,
            settings.topics.dead_letters.name,
            metrics,
            settings.max_runs_in_flight,
            self.failure.tell,
        )

    def health(self, vitals: Vitals, port: int, faults: Callable[[], Sequence[str]] = tuple) -> HealthServer:
        """Serves the metrics and how the worker is doing; a stall ends it. ``faults``: what it cannot do though."""
        settings = self._settings
        return HealthServer(
            *(self.registry, vitals, settings.http_host, port, settings.stall_timeout_s),
            *(self.failure.tell, faults),
        )


def heartbeat_interval_s(settings: Settings) -> float:
    """How often a member of a consumer group says that it lives."""
    return min(3.0, settings.session_timeout_s / _HEARTBEATS_PER_SESSION)
