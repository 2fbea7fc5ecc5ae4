"""How a running incident worker is doing."""

import time

from tracehound.streams.kafka.runs.app import RunApp
from tracehound.streams.worker.consumer_vitals import ConsumerVitals


class IncidentVitals(ConsumerVitals):
    """What metrics and health ask (``health.Vitals`` among them)."""

    def __init__(self, app: RunApp, input_topic: str) -> None:
        super().__init__(app, input_topic)
        self.progressed_at = time.monotonic()

    def progressed(self) -> None:
        """A run was dealt with."""
        self.progressed_at = time.monotonic()

    def last_progress(self) -> float:
        """When a run was last dealt with, as ``time.monotonic()``."""
        return self.progressed_at
