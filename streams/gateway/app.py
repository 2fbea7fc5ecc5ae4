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
from tracehound.streams.gateway.bodies import Bodies
from tracehound.streams.gateway.executions.endpoint import EXECUTIONS, ExecutionEndpoint
from tracehound.streams.gateway.guard import Endpoint, Guard
from tracehound.streams.gateway.health import LIVEZ, METRICS, READYZ, HealthEndpoints
from tracehound.streams.gateway.keys import KeyRing
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.gateway.openapi import DOCUMENT, DOCUMENT_PATH, DocumentEndpoint
from tracehound.streams.gateway.otlp.encoding import status
from tracehound.streams.gateway.otlp.grpc_server import TraceService
from tracehound.streams.gateway.otlp.traces import OTLP_TRACES, TRACES
from tracehound.streams.gateway.problems import problem
from tracehound.streams.gateway.refusal import RequestRefusedError
from tracehound.streams.gateway.sending import Sender
from tracehound.streams.gateway.spans import SpanEndpoint
from tracehound.streams.gateway.throttle import Throttle
from tracehound.streams.gateway.zipkin import ZIPKIN, ZIPKIN_SPANS
from tracehound.streams.intake.formats.decode import SpanLimits
from tracehound.streams.settings.gateway import is_loopback
from tracehound.streams.settings.settings import Settings

OTLP_PATH = "/v1/traces"


class ReadySender(Sender, Protocol):
    """Sends records, and says when it cannot."""

    @property
    def trouble(self) -> str:
        """Why nothing can be sent now, in one sentence; empty where it can."""
        ...


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway, put together: what answers requests, its endpoints, and what answers calls of gRPC.

    ``traces`` is None where intake reads no topic of spans; ``document`` is that of OpenAPI.
    """

    app: Starlette
    endpoints: tuple[Endpoint, ...]
    traces: TraceService | None
    document: Mapping[str, Any]


def written_topics(settings: Settings) -> tuple[str, ...]:
    """The topics that the gateway writes to: executions, and the first of those that intake reads spans from."""
    return (settings.topics.executions.name, *settings.intake.otlp_topic_names[:1])


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
    guard = Guard(KeyRing(gateway.keys), Throttle(gateway.requests_per_s), metrics)
    bodies = Bodies(gateway)
    executions_topic, *spans_topics = written_topics(settings)
    limits = SpanLimits(settings.max_record_bytes, with_namespace=settings.intake.applications_with_namespace)
    executions = ExecutionEndpoint(executions_topic, bodies, sender, metrics, settings.limits)
    health = HealthEndpoints(metrics.registry, lambda: sender.trouble)
    endpoints = [
        Endpoint("/v1/executions", executions.serve, EXECUTIONS),
        Endpoint("/livez", health.livez, LIVEZ, None, methods=("GET",)),
        Endpoint("/readyz", health.readyz, READYZ, None, methods=("GET",)),
        Endpoint("/metrics", health.metrics, METRICS, "metrics", methods=("GET",)),
    ]
    document = DocumentEndpoint(endpoints, bool(gateway.keys))
    endpoints.append(Endpoint(DOCUMENT_PATH, document.serve, DOCUMENT, None, methods=("GET",)))
    traces = None
    for topic in spans_topics:
        otlp, zipkin = (SpanEndpoint(each, topic, bodies, sender, metrics, limits) for each in (TRACES, ZIPKIN))
        endpoints += [
            Endpoint(OTLP_PATH, otlp.serve, OTLP_TRACES, refuse=status),
            Endpoint("/api/v2/spans", zipkin.serve, ZIPKIN_SPANS),
        ]
        traces = TraceService(otlp, guard, bodies, gateway)
    app = Starlette(
        routes=[guard.route(each) for each in endpoints],
        middleware=_cors(gateway.origins),
        exception_handlers={HTTPException: _unrouted},
    )
    return Gateway(app, tuple(endpoints), traces, document.document)


def _cors(origins: Sequence[str]) -> list[Middleware]:
    if not origins:
        return []
    headers = ["authorization", "content-encoding", "content-type", "x-api-key"]
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
    refusal = RequestRefusedError(error.status_code, "invalid_body", sentence, error.headers)
    return (status if request.url.path == OTLP_PATH else problem)(request, refusal)
