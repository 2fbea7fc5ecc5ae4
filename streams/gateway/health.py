"""``/livez``, ``/readyz`` and ``/metrics`` of the gateway."""

from collections.abc import Callable

import msgspec
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response

from tracehound.streams.gateway.operation import BYTES, Operation, Outcome
from tracehound.streams.worker.exposition import exposition
from tracehound.streams.worker.process_metrics import HealthCollector


class Health(msgspec.Struct, omit_defaults=True):
    """Whether it can do its work, and why not."""

    ok: bool
    faults: list[str] = []


_HEALTH = {"application/json": Health}
LIVEZ = Operation("Whether it answers.", {200: Outcome("It does.", _HEALTH)})
READYZ = Operation(
    "Whether records can be sent to Kafka.",
    {200: Outcome("They can.", _HEALTH), 503: Outcome("They cannot, and why.", _HEALTH)},
)
METRICS = Operation("What was counted, for Prometheus.", {200: Outcome("The metrics.", {"text/plain": BYTES})})


class HealthEndpoints:
    """Alive while it answers, ready while it can send.

    Parameters:
        registry: of the metrics.
        trouble: why nothing can be sent now; empty where it can.
    """

    def __init__(self, registry: CollectorRegistry, trouble: Callable[[], str]) -> None:
        self._registry, self._trouble = registry, trouble
        registry.register(HealthCollector(lambda: 0.0, lambda: not trouble()))

    async def livez(self, _request: Request) -> Response:
        """It answers: one that can do nothing any more has ended itself."""
        return _answer("")

    async def readyz(self, _request: Request) -> Response:
        """Whether records can be sent, and why not."""
        return _answer(self._trouble())

    async def metrics(self, request: Request) -> Response:
        """What was counted, for Prometheus."""
        body, media_type = exposition(self._registry, request.headers.get("Accept", ""))
        return Response(body, headers={"Content-Type": media_type})


def _answer(trouble: str) -> Response:
    health = Health(ok=not trouble, faults=[trouble] if trouble else [])
    return Response(msgspec.json.encode(health), 503 if trouble else 200, media_type="application/json")
