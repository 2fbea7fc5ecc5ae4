"""HEAD wherever there is GET: the same answer without its body.

Source: RFC 9110, section 9.3.2
"""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """Middleware, the outermost of ours: to all others such a request is a GET.

    Parameters:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; of what would be streamed, nothing is made."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            await send({"type": "http.response.body", "body": b""})
            if message.get("more_body", False):
                enough.cancel()
                await anyio.lowlevel.checkpoint()

        with anyio.CancelScope() as enough:
            await self._app({**scope, "method": "GET"}, receive, without_body)
