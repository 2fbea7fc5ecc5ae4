"""The one place where the gateway is put together; nothing connects before it starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.gateway.bodies import Bodies
from tracehound.streams.gateway.executions.endpoint import EXECUTIONS, ExecutionEndpoint
from tracehound.streams.gateway.guard import Endpoint, Guard
from tracehound.streams.gateway.health import LIVEZ, METRICS, READYZ, HealthEndpoints
from tracehound.streams.gateway.inspector.endpoint import INSPECTOR, INSPECTOR_PATHS, InspectorEndpoint
from tracehound.streams.gateway.keys import KeyRing
from tracehound.streams.gateway.logs.endpoint import LOGS, LogEndpoint
from tracehound.streams.gateway.logs.taking import LogTaker
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.gateway.openapi import DOCUMENT, DOCUMENT_PATH, DocumentEndpoint
from tracehound.streams.gateway.otlp.encoding import PROTOBUF, status
from tracehound.streams.gateway.otlp.grpc_server import LOGS_EXPORT, TRACES_EXPORT, ExportService, Take
from tracehound.streams.gateway.otlp.logs import OTLP_LOGS, OtlpLogEndpoint
from tracehound.streams.gateway.otlp.traces import OTLP_TRACES, TRACES, call_taker
from tracehound.streams.gateway.repeats import Repeats
from tracehound.streams.gateway.spans import SpanEndpoint
from tracehound.streams.gateway.throttle import Throttle
from tracehound.streams.gateway.zipkin import ZIPKIN, ZIPKIN_SPANS
from tracehound.streams.http.problems import problem
from tracehound.streams.http.refusal import Reason, RequestRefusedError
from tracehound.streams.http.sending import Sender
from tracehound.streams.intake.formats.decode import SpanLimits
from tracehound.streams.settings.gateway import is_loopback
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.process_metrics import tell_of_process

OTLP_PATHS = ("/v1/traces", "/v1/logs")


class ReadySender(Sender, Protocol):
    """Sends records, and says when it cannot."""

    @property
    def trouble(self) -> str:
        """Why nothing can be sent now, in one sentence; empty where it can."""
        ...


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway, put together: what answers requests, its endpoints, and what answers calls of gRPC.

    ``document`` is that of OpenAPI.
    """

    app: Starlette
    endpoints: tuple[Endpoint, ...]
    calls: ExportService
    document: Mapping[str, Any]


def written_topics(settings: Settings) -> tuple[str, ...]:
    """The topics that the gateway writes to: executions, logs, and the first of those that intake reads spans from."""
    topics = settings.topics
    return (topics.executions.name, topics.log_events.name, *settings.intake.otlp_topic_names[:1])


def build_gateway(settings: Settings, sender: ReadySender) -> Gateway:
    """Put the gateway together.

    Parameters:
        settings: everything that can be set.
        sender: sends records to Kafka.

    Raises:
        ConfigurationError: a setting is wrong: it would listen to others, and let everybody in.
    """
    gateway = settings.gateway
    if not gateway.keys and not is_loopback(gateway.host):
        raise ConfigurationError(
            "The setting 'gateway.host' must be an address of loopback while there are no 'gateway.keys': anybody "
            f"could send. Got {gateway.host!r} instead. A key is made by: tracehound gateway --new-key."
        )
    metrics = GatewayMetrics(CollectorRegistry())
    tell_of_process(metrics.registry)
    guard = Guard(KeyRing(gateway.keys), Throttle(gateway.requests_per_s), metrics)
    bodies, repeats = Bodies(gateway), Repeats()
    executions_topic, logs_topic, *spans_topics = written_topics(settings)
    with_namespace = settings.intake.applications_with_namespace
    limits = SpanLimits(settings.max_record_bytes, with_namespace=with_namespace)
    reader = ExecutionReader(settings.limits, mapping=FieldMapping(settings.execution_fields))
    executions = ExecutionEndpoint(executions_topic, bodies, sender, metrics, settings.limits, reader, repeats)
    taker = LogTaker(logs_topic, settings.intake.log_application, sender, metrics)
    logs = LogEndpoint(bodies, taker, metrics, settings.limits, repeats)
    otlp_logs = OtlpLogEndpoint(bodies, taker, metrics, settings.limits, with_namespace)
    inspector = InspectorEndpoint(executions_topic, gateway.keys, bodies, sender, metrics, settings.limits)
    health = HealthEndpoints(metrics.registry, lambda: sender.trouble)
    endpoints = [
        Endpoint("/v1/executions", executions.serve, EXECUTIONS),
        *(Endpoint(path, inspector.serve, INSPECTOR) for path in INSPECTOR_PATHS),
        Endpoint("/log", logs.serve, LOGS),
        Endpoint("/v1/log", logs.serve, LOGS),
        Endpoint(OTLP_PATHS[1], otlp_logs.serve, OTLP_LOGS, refuse=status),
        Endpoint("/livez", health.livez, LIVEZ, None, methods=("GET",)),
        Endpoint("/readyz", health.readyz, READYZ, None, methods=("GET",)),
        Endpoint("/metrics", health.metrics, METRICS, "metrics", methods=("GET",)),
    ]
    document = DocumentEndpoint(endpoints, bool(gateway.keys))
    endpoints.append(Endpoint(DOCUMENT_PATH, document.serve, DOCUMENT, None, methods=("GET",)))
    takers: dict[str, Take] = {LOGS_EXPORT: lambda content: otlp_logs.take(content, PROTOBUF, LOGS_EXPORT)}
    for topic in spans_topics:
        otlp, zipkin = (SpanEndpoint(each, topic, bodies, sender, metrics, limits) for each in (TRACES, ZIPKIN))
        endpoints += [
            Endpoint(OTLP_PATHS[0], otlp.serve, OTLP_TRACES, refuse=status),
            Endpoint("/api/v2/spans", zipkin.serve, ZIPKIN_SPANS),
        ]
        takers[TRACES_EXPORT] = call_taker(otlp, TRACES_EXPORT)
    app = Starlette(
        routes=[guard.route(each) for each in endpoints],
        middleware=_cors(gateway.origins),
        exception_handlers={HTTPException: _unrouted},
    )
    app.router.redirect_slashes = False  # clients do not follow a POST, or follow it without TLS and with their key
    return Gateway(app, tuple(endpoints), ExportService(takers, guard, bodies, gateway), document.document)


def _cors(origins: Sequence[str]) -> list[Middleware]:
    if not origins:
        return []
    headers = ["authorization", "content-encoding", "content-type", "idempotency-key", "x-api-key"]
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["POST"],
            allow_headers=headers,
            expose_headers=["Retry-After"],
        )
    ]


async def _unrouted(request: Request, error: Any) -> Response:
    """There is no such path, or not by this method."""
    sentence = f"There is no {request.method} of this path."
    reason: Reason = "method" if error.status_code == 405 else "not_found"
    refusal = RequestRefusedError(error.status_code, reason, sentence, error.headers)
    return (status if request.url.path in OTLP_PATHS else problem)(request, refusal)
