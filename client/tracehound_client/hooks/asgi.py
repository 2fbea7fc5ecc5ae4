"""Requests of ASGI as executions, with the routes of FastAPI and Starlette.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tracehound_client.client import Client
from tracehound_client.hooks.serving import Served, operation_of

_CONVERTER = re.compile(r":\w+\}")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class ExecutionMiddleware:
    """Records each request from its head to the last byte of its answer; what runs behind it is not of it.

    Parameters:
        app: the application.
        client: records it.
        operation: names a request by its scope once it is answered; None: by method and route.
    """

    def __init__(self, app: Application, client: Client, operation: Callable[[Scope], str] | None = None) -> None:
        self._app, self._client, self._operation = app, client, operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; what is none of HTTP is passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        mounted = scope.get("root_path", "")

        def named(served: Served) -> str:
            if self._operation is not None:
                return self._operation(scope)
            return operation_of(scope["method"], _route(scope, mounted), scope["path"], served.status)

        served = Served(self._client, _header(scope, b"traceparent"), named)

        async def watched(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                served.status = message["status"]
            try:
                await send(message)
            except OSError:
                served.abandon()
                raise
            if message["type"] == "http.response.body" and not message.get("more_body"):
                served.end()

        with served:
            await self._app(scope, receive, watched)
        served.end()


def _header(scope: Scope, name: bytes) -> str:
    found: bytes = next((value for key, value in scope.get("headers", ()) if key.lower() == name), b"")
    return found.decode("latin-1")


def _route(scope: Scope, mounted: str) -> str | None:
    """The route below where the application is mounted: FastAPI says it, else the values are taken out of the path."""
    below: str = scope.get("root_path", "").removeprefix(mounted)
    route = getattr(scope.get("route"), "path", None)
    if isinstance(route, str):
        return below + _CONVERTER.sub("}", route)
    if "endpoint" not in scope:
        return None
    path: str = scope["path"].removeprefix(mounted)
    for name, value in sorted(scope.get("path_params", {}).items(), key=lambda each: -len(str(each[1]))):
        path = re.sub(rf"(?<=/){re.escape(str(value))}(?=/|$)", f"{{{name}}}", path, count=1)
    return path
