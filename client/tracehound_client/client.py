"""The client: what an application makes one of, and records by."""

import logging
import os
import socket
from types import TracebackType

from tracehound_client.encoding import encoded, text
from tracehound_client.executions import PLACE, Execution, Place, current
from tracehound_client.kinds import ExecutionKind
from tracehound_client.recording import Recorder
from tracehound_client.sending import Bounds, Counts, Sender
from tracehound_client.traces import TraceParent, trace_parent
from tracehound_client.transports.gateway import Gateway
from tracehound_client.transports.transport import Transport

_MOST_NAME = 200

log = logging.getLogger("tracehound_client")


class Client:
    """Records executions of one application and sends them in the background. Make one, where the application begins.

    It takes microseconds of an execution, keeps within its bounds whatever becomes of the gateway, and raises nothing
    into what it records: what is wrong is counted in ``counts``, and logged as ``tracehound_client``.

    Parameters:
        application: its name, 1 to 200 characters.
        transport: where to: a ``Gateway`` (by default the one on this machine), ``Kafka``, or your own.
        environment: such as ``production``; each has models of its own.
        version: of the application, so that what a release changes is told as such.
        host: where it runs; this machine's name without it.
        bounds: what may be kept, and how long anything may take.

    Raises:
        ValueError: a name is empty or too long.
    """

    def __init__(
        self,
        application: str,
        transport: Transport | None = None,
        *,
        environment: str = "",
        version: str = "",
        host: str | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        if not 1 <= len(application) <= _MOST_NAME:
            raise ValueError(
                f"The 'application' must be 1 to {_MOST_NAME} characters. Got {application[:300]!r} instead."
            )
        if len(environment) > _MOST_NAME:
            raise ValueError(
                f"The 'environment' must be at most {_MOST_NAME} characters. Got {len(environment)} instead."
            )
        self.bounds = bounds or Bounds()
        self._sender = Sender(application, transport or Gateway(), self.bounds)
        fields = {
            "application": application,
            "environment": environment,
            "version": version,
            "host": socket.gethostname() if host is None else host,
        }
        self._of_all = {name: text(value, _MOST_NAME) for name, value in fields.items() if value}

    def execution(
        self,
        operation: str = "",
        kind: ExecutionKind = "request",
        *,
        traceparent: str | None = None,
    ) -> "ExecutionRecorder":
        """Record an execution: a block of ``with``, or each call of a function or coroutine function.

        Within another execution it becomes one of its own, in the same trace.

        Parameters:
            operation: what is executed, without ids in it; a decorated function's own name if it is empty.
            kind: what begins it.
            traceparent: the header of who asked for it, if it came with one; empty: a trace of its own.

        >>> client = Client("shop")
        >>> @client.execution("nightly", "job")
        ... async def nightly() -> None: ...
        """
        return ExecutionRecorder(self, operation, kind, traceparent)

    @property
    def counts(self) -> Counts:
        """What became of the executions that ended in this process."""
        return self._sender.counts

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until all that has ended is sent, for ``exit_s`` of the bounds by default; whether that was in time.

        The end of a process does so by itself, but not where it is killed, or ended by ``os._exit``.
        """
        return self._sender.flush(self.bounds.exit_s if timeout_s is None else timeout_s)

    def close(self, timeout_s: float | None = None) -> bool:
        """Send what is left and end; what is recorded later is dropped. Whether all was sent in time."""
        return self._sender.close(self.bounds.exit_s if timeout_s is None else timeout_s)

    def take(self, execution: Execution) -> None:
        """Send an execution that has ended. What ``execution`` gives does so by itself."""
        try:
            self._sender.add(encoded(execution, self._of_all))
        except Exception:
            self._sender.failed()
            log.debug("An execution could not be encoded.", exc_info=True)


class ExecutionRecorder(Recorder[Execution]):
    """What ``Client.execution`` gives."""

    def __init__(self, client: Client, operation: str, kind: ExecutionKind, traceparent: str | None) -> None:
        self._client, self._operation, self._kind, self._traceparent = client, operation, kind, traceparent
        self._before: Place | None = None
        self._execution: Execution | None = None
        self._process = 0

    def __enter__(self) -> Execution:
        self._before = PLACE.get()
        execution = self._execution = Execution(self._operation, self._kind, self._parent())
        self._process = os.getpid()
        PLACE.set((execution, None))
        return execution

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        execution = self._execution
        if execution is None:
            return
        if current() is execution:  # a generator that is thrown away in its midst ends it anywhere
            PLACE.set(self._before)
        execution.end(error)
        if self._process == os.getpid():  # else it was forked in the midst of it, and ends in both
            self._client.take(execution)

    def again(self, name: str) -> "ExecutionRecorder":
        """Another one like this, for one call of a function of this name."""
        return ExecutionRecorder(self._client, self._operation or name, self._kind, self._traceparent)

    def _parent(self) -> TraceParent | None:
        if self._traceparent is not None:
            return trace_parent(self._traceparent)
        if self._before is None:
            return None
        outer = self._before[0]
        return TraceParent(outer.trace_id, outer.span_id)
