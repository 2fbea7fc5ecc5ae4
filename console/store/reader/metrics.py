"""Prometheus metrics of the reader, in one registry that is handed in."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class ReaderMetrics:
    """What the reader counts, by topic."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rows = Counter(
            "tracehound_console_rows", "Records of output topics that were stored", ["topic"], registry=registry
        )
        self.repeated = Counter(
            "tracehound_console_repeated", "Records that were stored already", ["topic"], registry=registry
        )
        self.unreadable = Counter(
            "tracehound_console_unreadable",
            "Records that are none of what should be on their topic; they are kept with the reason",
            ["topic"],
            registry=registry,
        )
        self.lost = Counter(
            "tracehound_console_lost",
            "Records that Kafka removed before they were stored",
            ["topic"],
            registry=registry,
        )
        self.newest = Gauge(
            "tracehound_console_newest_event_timestamp_seconds",
            "Newest event time that is stored",
            ["topic"],
            registry=registry,
        )
        self.lag = Gauge(
            "tracehound_console_lag_seconds",
            "How long ago the newest record that is stored was told; 0 where all are stored",
            ["topic"],
            registry=registry,
        )
        self.batch = Histogram(
            "tracehound_console_batch_seconds", "Time to store a batch of records", registry=registry
        )
        self.failures = Counter(
            "tracehound_console_reader_failures",
            "How often reading ended and began anew: Kafka or the database away, or an error",
            registry=registry,
        )
        self.removed = Counter(
            "tracehound_console_removed_rows", "Rows that were removed for their age or for size", ["table"],
            registry=registry,
        )  # fmt: skip
        self.reads = Gauge(
            "tracehound_console_reads",
            "1 where this console is the one that reads, 0 where it stands by",
            registry=registry,
        )
