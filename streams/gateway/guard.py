"""What stands before every endpoint: keys, rates, metrics, and the form that refusals are told in."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracehound.streams.gateway.keys import KeyRing
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.gateway.problems import problem
from tracehound.streams.gateway.refusal import RequestRefusedError
from tracehound.streams.gateway.throttle import Throttle
from tracehound.streams.settings.gateway import Role

log = structlog.get_logger(__name__)

Serve = Callable[[Request], Awaitable[Response]]
"""Answers a request, or raises ``RequestRefusedError``."""
Refuse = Callable[[Request, RequestRefusedError], Response]
"""Makes an answer of a refusal, in the words of the path's protocol."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path and what it does. ``role`` is what its key must have; None: nobody needs one."""

    path: str
    serve: Serve
    role: Role | None = "ingest"
    refuse: Refuse = problem
    methods: Sequence[str] = ("POST",)


class Guard:
    """Lets requests through to endpoints, and counts what became of them.

    Parameters:
        keys: who may send.
        throttle: how often.
        metrics: are counted in.
        clock: elapsed seconds.
    """

    def __init__(
        self,
        keys: KeyRing,
        throttle: Throttle,
        metrics: GatewayMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys, self._throttle, self._metrics, self._clock = keys, throttle, metrics, clock

    def route(self, endpoint: Endpoint) -> Route:
        """The route of an endpoint. Whatever goes wrong in it is told as a refusal, by its sentence."""

        async def answer(request: Request) -> Response:
            began = self._clock()
            with self._metrics.in_flight.track_inprogress():
                try:
                    if endpoint.role is not None:
                        sender = self._keys.admitted(request.headers, endpoint.role)
                        self._throttle.take(sender)
                    response = await endpoint.serve(request)
                except RequestRefusedError as refusal:
                    response = self._refused(endpoint, request, refusal)
                except Exception:
                    log.exception("request_failed", path=endpoint.path)
                    failed = RequestRefusedError(500, "failed", "The gateway failed; its log says why.")
                    response = self._refused(endpoint, request, failed)
            self._metrics.requests.labels(path=endpoint.path, status=response.status_code).inc()
            self._metrics.seconds.labels(path=endpoint.path).observe(self._clock() - began)
            return response

        return Route(endpoint.path, answer, methods=list(endpoint.methods))

    def _refused(self, endpoint: Endpoint, request: Request, refusal: RequestRefusedError) -> Response:
        self._metrics.refused.labels(path=endpoint.path, reason=refusal.reason).inc()
        return endpoint.refuse(request, refusal)
