"""Sessions: a page's sign-in by a key, kept in a signed cookie, and checked against the key with every request."""

from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

COOKIE: Final = "tracehound_session"


class Sessions:
    """Writes and reads the cookie. It holds the beginning of a key and nothing that is secret.

    Parameters:
        secret: that cookies are signed with.
        lasts_s: how long a session is good.
    """

    def __init__(self, secret: str, lasts_s: int) -> None:
        self._serializer = URLSafeTimedSerializer(secret, salt="tracehound.session")
        self._lasts_s = lasts_s

    def begin(self, request: Request, response: Response, prefix: str) -> None:
        """Have the browser keep who signed in; over HTTPS alone, but for this machine itself, where there is none."""
        response.set_cookie(
            COOKIE,
            str(self._serializer.dumps(prefix)),
            max_age=self._lasts_s,
            path="/",
            secure=_is_secure(request),
            httponly=True,
            samesite="strict",
        )

    def end(self, request: Request, response: Response) -> None:
        """Have the browser forget."""
        response.delete_cookie(COOKIE, path="/", secure=_is_secure(request), httponly=True, samesite="strict")

    def key_of(self, request: Request) -> str:
        """The beginning of the key that somebody signed in with; empty where nobody has, or it is too long ago."""
        cookie = request.cookies.get(COOKIE, "")
        if not cookie:
            return ""
        try:
            prefix = self._serializer.loads(cookie, max_age=self._lasts_s)
        except BadData:
            return ""
        return prefix if isinstance(prefix, str) else ""


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https" or not _is_this_machine(request)


def _is_this_machine(request: Request) -> bool:
    return request.url.hostname in ("127.0.0.1", "localhost", "::1")
