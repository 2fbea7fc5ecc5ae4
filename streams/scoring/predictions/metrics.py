"""Prometheus metrics of predictions on demand."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class PredictionMetrics:
    """What a worker counts of predictions on demand; ``registry`` takes the metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.predictions = Counter(
            "tracehound_predictions",
            "Executions judged on demand, by the version of the detectors",
            ["prediction", "model_version"],
            registry=registry,
        )
        self.requests = Counter(
            "tracehound_prediction_requests",
            "Requests for predictions: answered, refused, expired before they were answered, or failed",
            ["result", "model_version"],
            registry=registry,
        )
        self.seconds = Histogram(
            "tracehound_prediction_seconds",
            "Time from reading a request to its answer",
            registry=registry,
            buckets=_SECONDS,
        )
        self.loop_seconds = Counter(
            "tracehound_prediction_loop_seconds",
            "Time of the worker's own process that went to predictions, while it scored nothing",
            registry=registry,
        )

    def count_request(self, result: str, count: int = 1, model_version: str = "") -> None:
        """Count requests that came to this end; ``model_version`` is empty where no model has judged."""
        self.requests.labels(result=result, model_version=model_version).inc(count)
