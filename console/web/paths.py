"""Names in paths that hold a slash: written ``%2F``, they are one part of the path."""

from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_MARK = "\x00"
"""Stands for a slash within a name until the path is matched; no name of ours holds it."""


def name_in_path(part: str) -> str:
    """The name that a part of a path is."""
    return part.replace(_MARK, "/")


class Slashes:
    """Middleware: keeps slashes within names apart from those between them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] == "http" and b"%" in (raw := scope.get("raw_path") or b""):
            path = raw.partition(b"?")[0].decode("ascii", "replace").replace("%00", "%EF%BF%BD")
            scope["path"] = unquote(path.replace("%2F", "%00").replace("%2f", "%00"))
        await self._app(scope, receive, send)
