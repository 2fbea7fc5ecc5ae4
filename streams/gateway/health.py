"""``/livez``, ``/readyz`` and ``/metrics`` of the gateway."""

from collections.abc import Callable

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response


class HealthEndpoints:
    """Alive while it answers, ready while it can send.

    Parameters:
        registry: of the metrics.
        trouble: why nothing can be sent now; empty where it can.
    """

    def __init__(self, registry: CollectorRegistry, trouble: Callable[[], str]) -> None:
        self._registry, self._trouble = registry, trouble

    async def livez(self, _request: Request) -> Response:
        """It answers: one that can do nothing any more has ended itself."""
        return _answer("")

    async def readyz(self, _request: Request) -> Response:
        """Whether records can be sent, and why not."""
        return _answer(self._trouble())

    async def metrics(self, _request: Request) -> Response:
        """What was counted, for Prometheus."""
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _answer(trouble: str) -> Response:
    content: dict[str, object] = {"ok": not trouble} | ({"faults": [trouble]} if trouble else {})
    return Response(msgspec.json.encode(content), 503 if trouble else 200, media_type="application/json")
