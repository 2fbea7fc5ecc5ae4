"""Bodies of requests within bounds, and of the one media type that is read."""

from collections.abc import Collection

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracehound.console.web.cross_site import SAFE_METHODS
from tracehound.streams.http.problems import problem
from tracehound.streams.http.refusal import RequestRefusedError

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"


class Bodies:
    """Middleware: a body has been read whole before anybody works on it.

    What browsers send to other sites without asking these first (forms, plain text) is refused.

    Parameters:
        app: what answers.
        most: bytes of a body.
        forms: paths that take forms, and themselves look after from where these come.
    """

    def __init__(self, app: ASGIApp, most: int, forms: Collection[str] = ()) -> None:
        self._app, self._most, self._forms = app, most, forms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse the body."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await self._read(request)
        except RequestRefusedError as refusal:
            await problem(request, refusal)(scope, receive, send)
            return
        except ClientDisconnect:
            return
        unread = [body]

        async def again() -> Message:
            if unread:
                return {"type": "http.request", "body": unread.pop(), "more_body": False}
            return await receive()

        await self._app(scope, again, send)

    async def _read(self, request: Request) -> bytes:
        declared = request.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > self._most:
            raise self._too_large()
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > self._most:
                raise self._too_large()
        given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and given != _JSON and not (given == _FORM and request.url.path in self._forms):
            raise RequestRefusedError(
                415, "media_type", f"The Content-Type must be {_JSON}. Got {given[:100]!r} instead.", {"Accept": _JSON}
            )
        return bytes(body)

    def _too_large(self) -> RequestRefusedError:
        return RequestRefusedError(
            413,
            "too_large",
            f"A body must have at most {self._most} bytes (setting 'console.max_body_bytes').",
            {"Connection": "close"},
        )
