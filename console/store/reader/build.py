"""The one place where the reader is put together; nothing connects before it starts."""

import time

from prometheus_client import CollectorRegistry

from tracehound.console.store.engine import Store
from tracehound.console.store.reader.kafka_source import KafkaSource
from tracehound.console.store.reader.metrics import ReaderMetrics
from tracehound.console.store.reader.reader import Reader
from tracehound.console.store.reader.writers import writers
from tracehound.console.store.retention import Retention
from tracehound.streams.settings.settings import Settings


def build_reader(settings: Settings, store: Store, registry: CollectorRegistry) -> Reader:
    """The reader of the output topics into a store whose tables are there; not started yet."""
    by_topic = writers(settings.topics)
    retention = Retention(store, settings.console, lambda: time.time_ns() // 1_000)
    return Reader(store, lambda: KafkaSource(settings, by_topic), by_topic, retention, ReaderMetrics(registry))
