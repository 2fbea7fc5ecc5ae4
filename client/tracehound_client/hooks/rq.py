"""Jobs of RQ as executions.

Source: https://python-rq.org/docs/workers/#custom-job-and-queue-classes
"""

from typing import TYPE_CHECKING, Any

from tracehound_client.client import Client

if TYPE_CHECKING:
    from rq.job import Job


def recorded_job(client: Client, base: "type[Job] | None" = None) -> "type[Job]":
    """A class of jobs whose work is recorded; give it to workers: ``Worker(queues, job_class=recorded_job(client))``.

    Workers end the process of each job without more ado, so that each job waits until it is sent, for ``exit_s`` of
    the client's bounds at most.

    Parameters:
        client: records them.
        base: the class of jobs to begin with, if it is not RQ's own.
    """
    if base is None:
        from rq.job import Job

        base = Job

    class RecordedJob(base):  # type: ignore[misc, valid-type]
        def perform(self) -> Any:
            try:
                with client.execution(self.func_name or "unknown", "job"):
                    return super().perform()
            finally:
                client.flush()

    return RecordedJob
