"""Requests of WSGI as executions, with the routes of Flask.

Source: PEP 3333, https://peps.python.org/pep-3333/
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tracehound_client.client import Client
from tracehound_client.hooks.serving import Served, operation_of

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class ExecutionMiddleware:
    """Records each request from its call to the end of its answer.

    Parameters:
        app: the application.
        client: records it.
        operation: names a request by its environ once it is answered; None: by method and route, or path.
    """

    def __init__(self, app: Application, client: Client, operation: Callable[[Environ], str] | None = None) -> None:
        self._app, self._client, self._operation = app, client, operation

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""

        route: str | None = None

        def named(served: Served) -> str:
            if self._operation is not None:
                return self._operation(environ)
            path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
            return operation_of(environ["REQUEST_METHOD"], route, path, served.status)

        served = Served(self._client, environ.get("HTTP_TRACEPARENT", ""), named)

        def started(status: str, *given: Any) -> Any:
            nonlocal route
            route = _route(environ)  # Flask forgets it as soon as it has answered
            served.status = int(status[:3]) if status[:3].isdecimal() else 0
            return start_response(status, *given)

        with served:
            body = self._app(environ, started)
        return _Body(body, served)


def _route(environ: Environ) -> str | None:
    rule = getattr(getattr(environ.get("werkzeug.request"), "url_rule", None), "rule", None)
    return rule if isinstance(rule, str) else None


class _Body:
    """An answer's body, made within the execution, which ends when it does, or when the server closes it."""

    def __init__(self, body: Iterable[bytes], served: Served) -> None:
        self._body, self._served = body, served

    def __iter__(self) -> Iterator[bytes]:
        with self._served:
            pieces = iter(self._body)
        while True:
            with self._served:
                piece = next(pieces, None)
            if piece is None:
                self._served.end()
                return
            yield piece

    def close(self) -> None:
        """The server is done with it."""
        try:
            with self._served:
                close = getattr(self._body, "close", None)
                if close is not None:
                    close()
        finally:
            self._served.end()
