"""One request of HTTP as an execution, whichever interface it comes by."""

import logging
from collections.abc import Callable
from types import TracebackType

from tracehound_client.client import Client
from tracehound_client.executions import PLACE, Execution, Place
from tracehound_client.traces import trace_parent

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})

log = logging.getLogger("tracehound_client")


class Served:
    """A request that is being answered. A block of ``with`` is where the application works on it.

    Parameters:
        client: records it.
        traceparent: its header, empty where it came with none.
        operation: names what it asked for, once it is answered; None: as far as is known.
    """

    def __init__(self, client: Client, traceparent: str, operation: Callable[["Served"], str]) -> None:
        self._client, self._operation = client, operation
        self.execution = Execution("", "request", trace_parent(traceparent))
        self.status = 0
        self._before: Place | None = None

    def __enter__(self) -> None:
        self._before = PLACE.get()
        PLACE.set((self.execution, None))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        PLACE.set(self._before)
        if error is not None:
            self.end(error)

    def abandon(self) -> None:
        """Who asked went away before the end of the answer, which is nobody's failure."""
        self.execution.status, self.execution.result = "unset", "disconnected"
        self.end()

    def end(self, error: BaseException | None = None) -> None:
        """It is answered, or fails; the first counts."""
        execution = self.execution
        if execution.ended_s is not None:
            return
        if isinstance(error, Exception) and not self.status:
            self.status = 500  # that is what servers answer
        execution.result = execution.result or self.status or None
        if self.status >= 500 and execution.status is None:
            execution.status = "error"
        execution.end(error)
        if not execution.operation:
            try:
                execution.operation = self._operation(self)
            except Exception:
                log.debug("A request could not be named.", exc_info=True)
        self._client.take(execution)


def operation_of(method: str, route: str | None, path: str, status: int) -> str:
    """The operation of a request: method and route. Without a route, the path, for workers make templates of paths;
    but the method alone where it was refused, for anybody can make up paths, as methods.

    >>> operation_of("GET", "/cart/{id}", "/cart/7", 200), operation_of("GET", None, "/wp-admin", 404)
    ('GET /cart/{id}', 'GET')
    """
    known = method if method in _METHODS else "HTTP"
    if route is None and 400 <= status < 500:
        return known
    return f"{known} {path if route is None else route}"
