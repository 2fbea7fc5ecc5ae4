"""Tasks of Celery as executions.

Source: https://docs.celeryq.dev/en/stable/userguide/signals.html
"""

from contextvars import ContextVar
from typing import Any

from tracehound_client.client import Client, ExecutionRecorder
from tracehound_client.executions import Execution, current

_HEADER = "traceparent"


def record_tasks(client: Client) -> None:
    """Record each task of this process's applications, and hand traces on from who sends one to who works on it.

    Call it once, where the application is made; in whichever pool, also where tasks are called without a worker.
    """
    from celery import signals

    # tasks that are called at once run within others
    running: ContextVar[tuple[tuple[ExecutionRecorder, Execution], ...]] = ContextVar("tracehound_client", default=())

    def sent(headers: Any = None, **_: Any) -> None:
        execution = current()
        if execution is not None and isinstance(headers, dict):
            headers.setdefault(_HEADER, execution.traceparent)

    def began(task: Any = None, **_: Any) -> None:
        recorder = client.execution(task.name, "job", traceparent=getattr(task.request, _HEADER, None))
        running.set((*running.get(), (recorder, recorder.__enter__())))

    def failed(exception: Any = None, **_: Any) -> None:
        if running.get() and isinstance(exception, BaseException):
            running.get()[-1][1].fail(exception)

    def ended(state: Any = None, **_: Any) -> None:
        if not running.get():
            return
        *outer, (recorder, execution) = running.get()
        running.set(tuple(outer))
        execution.result = execution.result or state
        recorder.__exit__(None, None, None)

    def stopped(**_: Any) -> None:
        client.flush()

    for signal, receiver in (
        (signals.before_task_publish, sent),
        (signals.task_prerun, began),
        (signals.task_failure, failed),
        (signals.task_postrun, ended),
        (signals.worker_process_shutdown, stopped),  # such a process ends without what atexit calls
    ):
        signal.connect(receiver, weak=False)
