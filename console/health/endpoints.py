"""``/livez``, ``/readyz``, ``/metrics`` and ``/openapi.json`` of the console."""

from collections.abc import Callable

import msgspec
from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.web.answers import JSON, Told, answer, done
from tracehound.console.web.needs import needs_viewer
from tracehound.streams.worker.exposition import exposition

Trouble = Callable[[], str]


class Health(msgspec.Struct, omit_defaults=True):
    """Whether it can do its work, and why not."""

    ok: bool
    faults: list[str] = []


_DOCUMENT = Told("The document.", {JSON: {"schema": {"type": "object"}}})
_METRICS = Told("The metrics.", {"text/plain": {"schema": {"type": "string"}}})


def health_router(registry: CollectorRegistry, trouble: Trouble) -> APIRouter:
    """The routes, outside of the API.

    Parameters:
        registry: of the metrics.
        trouble: why nothing new can be stored now; empty where it can.
    """
    router = APIRouter(tags=["health"])

    @router.get("/livez", responses=done(Health, "It answers."))
    async def livez() -> Response:
        """Whether it answers."""
        return _told("")

    @router.get("/readyz", responses={**done(Health, "It reads."), **done(Health, "It does not, and why.", 503)})
    async def readyz() -> Response:
        """Whether what is told is stored: what was stored before is answered all the same."""
        return _told(trouble())

    @router.get("/metrics", responses={200: _METRICS}, dependencies=[needs_viewer])
    async def metrics(request: Request) -> Response:
        """What was counted, for Prometheus."""
        body, media_type = exposition(registry, request.headers.get("Accept", ""))
        return Response(body, headers={"Content-Type": media_type})

    @router.get("/openapi.json", responses={200: _DOCUMENT})
    async def document(request: Request) -> Response:
        """What can be asked, and what is answered: this document."""
        return answer(request, msgspec.json.encode(request.app.openapi()))

    return router


def _told(trouble: str) -> Response:
    health = Health(ok=not trouble, faults=[trouble] if trouble else [])
    return Response(msgspec.json.encode(health), 503 if trouble else 200, {"Cache-Control": "no-store"}, JSON)
