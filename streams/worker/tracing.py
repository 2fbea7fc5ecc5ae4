"""Traces of tracehound itself, sent by OpenTelemetry's SDK: none unless the settings say where to."""

from collections.abc import Callable, Sequence
from functools import partial
from os import environ

from aiokafka import ConsumerRecord
from faust.types import TP

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.kafka.runs.run import Run

SERVICE = "tracehound"


def traced_runs(endpoint: str) -> Callable[[TP, Sequence[ConsumerRecord]], Run]:
    """Makes runs: with an endpoint of OTLP/HTTP such that are traced, else plain ones, which cost nothing more.

    What the SDK reads from its own environment (``OTEL_SERVICE_NAME``, ``OTEL_RESOURCE_ATTRIBUTES``,
    ``OTEL_TRACES_SAMPLER``, ``OTEL_EXPORTER_OTLP_HEADERS``, ``OTEL_BSP_…``) holds. Spans are sent by a thread of the
    SDK's, which drops them where they cannot be sent; nothing waits for it.

    Raises:
        ConfigurationError: there is an endpoint, and OpenTelemetry's SDK is not installed.
    """
    if not endpoint:
        return Run
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from tracehound.streams.kafka.runs.traced_run import TracedRun
    except ImportError as error:
        raise ConfigurationError(
            f"The setting 'traces_endpoint' needs OpenTelemetry's SDK: pip install 'tracehound[tracing]'. Got {error}."
        ) from error
    name = {"service.name": environ.get("OTEL_SERVICE_NAME", SERVICE)}
    provider = TracerProvider(resource=Resource.create(name))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    return partial(TracedRun, provider.get_tracer(SERVICE))
