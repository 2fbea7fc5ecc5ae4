"""The table of metrics, generated from the code of each process."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tracehound.console.executions.metrics import ExecutionMetrics
from tracehound.console.store.reader.metrics import ReaderMetrics
from tracehound.console.web.counted import RequestMetrics
from tracehound.scripts.documents.measured import table
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.incidents.metrics import IncidentCollector, IncidentMetrics
from tracehound.streams.intake.logs.metrics import LogMetrics
from tracehound.streams.intake.metrics import BufferCollector, IntakeMetrics
from tracehound.streams.kafka.bounded_batches import BATCHES_REFUSED
from tracehound.streams.notify.metrics import NotifyMetrics, WaitingCollector
from tracehound.streams.scoring.metrics import Metrics, StateCollector
from tracehound.streams.scoring.predictions.metrics import PredictionMetrics
from tracehound.streams.worker.process_metrics import BuildCollector, DiskCollector, HealthCollector


def metrics_table() -> str:
    """What each process has at ``/metrics``: name as exposed, type, labels, meaning."""
    worker = Metrics(CollectorRegistry())
    every = (BuildCollector(), HealthCollector(lambda: 0.0, lambda: True), BATCHES_REFUSED)
    processes: dict[str, tuple[object, tuple[Collector, ...]]] = {
        "every process": (None, every),
        "every process that reads topics in runs": (None, (BATCHES_REFUSED,)),
        "worker": (worker, (worker.of_applications, StateCollector(dict, dict, dict), DiskCollector(Path))),
        "worker, of predictions on demand": (PredictionMetrics(CollectorRegistry()), ()),
        "intake": (IntakeMetrics(CollectorRegistry()), (BufferCollector(lambda: (0, 0, 0), dict, dict),)),
        "intake, of log events": (LogMetrics(CollectorRegistry()), ()),
        "incidents": (IncidentMetrics(CollectorRegistry()), (IncidentCollector(lambda: {"…": 0}, dict),)),
        "notify": (NotifyMetrics(CollectorRegistry()), (WaitingCollector(dict),)),
        "gateway": (GatewayMetrics(CollectorRegistry()), ()),
        "console": (ReaderMetrics(CollectorRegistry()), ()),
        "console, of requests": (RequestMetrics(CollectorRegistry()), ()),
        "console, of executions": (ExecutionMetrics(CollectorRegistry()), ()),
    }
    head = ("metric", "type", "labels", "meaning")
    return "\n\n".join(
        f"## {process}\n\n{table(head, sorted(_rows(counted, asked)))}"
        for process, (counted, asked) in processes.items()
    )


def _rows(counted: object, asked: Iterable[Collector]) -> Iterator[list[str]]:
    for one in vars(counted).values() if counted else ():
        if isinstance(one, MetricWrapperBase):
            [family] = one.describe()
            yield _row(family, one._labelnames)  # the client tells labels only of what has been counted
    for family in chain.from_iterable(one.collect() for one in asked):
        yield _row(family, getattr(family, "_labelnames", ()))


def _row(family: Metric, labels: Iterable[str]) -> list[str]:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return [f"`{name}`", family.type, ", ".join(f"`{one}`" for one in labels), family.documentation]
