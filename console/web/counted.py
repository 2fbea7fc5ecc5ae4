"""Requests, for Prometheus: how many, how they were answered, how long it took, and how many are being answered."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracehound.streams.worker.exposition import caller_exemplar

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_OTHER = "(other)"
"""What no route was found for: labels have few values, whatever is asked for."""


class RequestMetrics:
    """What is counted of requests. A route is the pattern of its path: names in it are no labels."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "tracehound_console_requests", "Requests answered", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "tracehound_console_request_seconds",
            "Time from a request to the head of its answer",
            ["route"],
            registry=registry,
            buckets=_SECONDS,
        )
        self.in_flight = Gauge(
            "tracehound_console_requests_in_flight",
            "Requests being answered, streams of events among them",
            registry=registry,
        )


class Counted:
    """Middleware, outside of those that refuse, so that what they refuse is counted as well.

    Parameters:
        app: what answers.
        metrics: take the numbers.
        clock: seconds that pass.
    """

    def __init__(self, app: ASGIApp, metrics: RequestMetrics, clock: Callable[[], float] = time.perf_counter) -> None:
        self._app, self._metrics, self._clock = app, metrics, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and count that."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, caller = self._clock(), caller_exemplar(Headers(scope=scope).get("traceparent", ""))

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = route_of(scope)
                self._metrics.requests.labels(route=route, status=message["status"]).inc()
                self._metrics.seconds.labels(route=route).observe(self._clock() - began, caller)
            await send(message)

        with self._metrics.in_flight.track_inprogress():
            await self._app(scope, receive, counted)


def route_of(scope: Scope) -> str:
    """The pattern that a request's path has matched."""
    pattern = getattr(scope.get("route"), "path", None)
    return _OTHER if pattern is None else f"{scope.get('root_path', '')}{pattern}"
