"""What stands before every endpoint: keys, rates, metrics, and the form that refusals are told in."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracehound.streams.gateway.keys import KeyRing
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.gateway.operation import Operation
from tracehound.streams.gateway.throttle import Throttle
from tracehound.streams.http.problems import problem
from tracehound.streams.http.refusal import RequestRefusedError
from tracehound.streams.settings.gateway import Role
from tracehound.streams.worker.exposition import caller_exemplar

T = TypeVar("T")

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
    operation: Operation
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

    def admit(self, headers: Mapping[str, str], role: Role) -> str:
        """A request with these headers came; returns the beginning of its key.

        Raises:
            RequestRefusedError: its key is none, unknown or good for something else, or sends too often.
        """
        sender = self._keys.admitted(headers, role)
        self._throttle.take(sender)
        return sender

    async def answered(
        self,
        path: str,
        answer: Callable[[], Awaitable[T]],
        refuse: Callable[[RequestRefusedError], T],
        traceparent: str = "",
    ) -> T:
        """What ``answer`` gives, or what ``refuse`` makes of whatever goes wrong in it: a refusal with its sentence.

        ``traceparent`` is the header that says which trace the request is part of.
        """
        began = self._clock()
        status = 200
        with self._metrics.in_flight.track_inprogress():
            try:
                answered = await answer()
            except RequestRefusedError as refusal:
                status, answered = refusal.status, refuse(refusal)
                self._metrics.refused.labels(path=path, reason=refusal.reason).inc()
            except Exception:
                log.exception("request_failed", path=path)
                failed = RequestRefusedError(500, "failed", "The gateway failed; its log says why.")
                status, answered = failed.status, refuse(failed)
                self._metrics.refused.labels(path=path, reason=failed.reason).inc()
        self._metrics.requests.labels(path=path, status=status).inc()
        self._metrics.seconds.labels(path=path).observe(self._clock() - began, caller_exemplar(traceparent))
        return answered

    def route(self, endpoint: Endpoint) -> Route:
        """The route of an endpoint, which finds the beginning of the key in its request as ``state.sender``."""

        async def serve(request: Request) -> Response:
            async def answer() -> Response:
                if endpoint.role is not None:
                    request.state.sender = self.admit(request.headers, endpoint.role)
                return await endpoint.serve(request)

            traceparent = request.headers.get("traceparent", "")
            return await self.answered(
                endpoint.path, answer, lambda refusal: endpoint.refuse(request, refusal), traceparent
            )

        return Route(endpoint.path, serve, methods=list(endpoint.methods))
