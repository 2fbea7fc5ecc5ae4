"""What is counted of models that come and go."""

from typing import Protocol

from prometheus_client import Counter, Histogram


class ModelMetrics(Protocol):
    """What is counted of models that come and go, and how long it takes to save and to restore one."""

    applications_sent_away: Counter
    applications_crowded_out: Counter
    states_written: Counter
    state_bytes_written: Counter
    snapshot_seconds: Histogram
    restore_seconds: Histogram
