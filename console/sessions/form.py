"""``POST /ui/sign-in``: signing in by a form, for browsers that run no script."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tracehound.console.web.console import Console
from tracehound.console.web.cross_site import check_same_site
from tracehound.console.web.rendering import HEADERS
from tracehound.streams.http.refusal import RequestRefusedError

_LONGEST: Final = 200
_MOST_BYTES: Final = 4_096
_HOME: Final = "/ui/"


def sign_in_by_form(console: Console, said: Callable[[int, str], Response]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint.

    Parameters:
        said: the page again, with a status and what is wrong.
    """

    async def endpoint(request: Request) -> Response:
        key = parse_qs((await request.body())[:_MOST_BYTES].decode("latin-1")).get("key", [""])[0].strip()
        try:
            check_same_site(request.method, request.headers)
            visitor = await console.entry.by_key(request, key[: _LONGEST + 1])
        except RequestRefusedError as refusal:
            return said(refusal.status, str(refusal))
        request.state.visitor = visitor
        response = RedirectResponse(wanted(request.query_params.get("next", "")), 303, HEADERS)
        console.sessions.begin(request, response, visitor.name)
        return response

    return endpoint


def wanted(path: str) -> str:
    """Where somebody goes on who has signed in: a page of this console, whatever an address asks for.

    >>> wanted("/ui/map?find=a"), wanted("https://elsewhere/ui/"), wanted("//elsewhere/ui/"), wanted("/ui/../x")
    ('/ui/map?find=a', '/ui/', '/ui/', '/ui/')
    """
    try:
        parts = urlsplit(path)
    except ValueError:
        return _HOME
    fits = not parts.scheme and not parts.netloc and parts.path.startswith(_HOME) and ".." not in parts.path
    return path if fits and path.isprintable() and "\\" not in path else _HOME
