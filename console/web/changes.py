"""Has every request that changes something kept with who sent it, before it is answered."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracehound.console.web.cross_site import SAFE_METHODS
from tracehound.console.web.roles import Visitor

Note = Callable[[Visitor, tuple[str, str], int, Mapping[str, Any]], None]
"""Keeps a visitor, method and path, the status of the answer, and what an endpoint says of the change."""
_REFUSED = 400


class Changes:
    """Middleware. An endpoint may leave what it changed as ``request.state.changed``, and nothing secret in it; or
    None, where it changed nothing.

    Parameters:
        app: what answers.
        note: keeps a change.
    """

    def __init__(self, app: ASGIApp, note: Note) -> None:
        self._app, self._note = app, note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and keep that."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def noted(message: Message) -> None:
            visitor, changed = state.get("visitor"), state.get("changed", {})
            done = message["type"] == "http.response.start" and message["status"] < _REFUSED
            if done and visitor is not None and changed is not None:
                asked = (scope["method"], scope["path"])
                await run_in_threadpool(self._note, visitor, asked, message["status"], changed)
            await send(message)

        await self._app(scope, receive, noted)
