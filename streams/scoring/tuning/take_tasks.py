"""The agent that takes tasks of tuning, one after the other, and has a helper process run them."""

import asyncio
import socket
from collections.abc import AsyncIterable, Callable
from concurrent.futures import BrokenExecutor

import structlog
from aiokafka import ConsumerRecord

from tracehound.detectors.forests.fitting import Fitter
from tracehound.schemas.codec import encode
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.tuning import State, TuningResult, TuningTask, read_tuning_task
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.delivery.letters import letter_of
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.kafka.runs.run import Run, RunListener
from tracehound.streams.scoring.tuning.run_task import run_task
from tracehound.streams.settings.settings import Settings

log = structlog.get_logger(__name__)


async def take_tasks(runs: AsyncIterable[Run], tuning: "Tuning") -> None:
    """Agent. Input: tasks of tuning, keyed by their ids. Outputs: their results, dead letters.

    Each is run at least once: whoever owns its partition after a worker that died runs again what has no result, and
    the result has the same id.
    """
    async for run in runs:
        await tuning.take(run)


class Tuning(RunListener):
    """Takes run after run of tasks. Scoring goes on meanwhile: a helper process works, and gives way to all others.

    Parameters:
        settings: of the worker: what candidates are beside, and where executions are.
        helper: runs ``run_task`` in a process of its own.
        clock: wall time in epoch seconds, which tasks expire by.
    """

    expires = True

    def __init__(self, settings: Settings, helper: Fitter, delivery: Delivery, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._helper = helper
        self._delivery = delivery
        self._results = settings.topics.tuning_results.name
        self._clock = clock

    async def take(self, run: Run) -> None:
        """Run its tasks, publish their results, and acknowledge."""
        for record in run.records:
            if not run.outstanding:  # whoever owns the partition now begins with the first of them
                return
            await self._delivery.send(await self._parcel_of(record))
        run.release()
        if await self._delivery.settled():
            run.ack()

    async def _parcel_of(self, record: ConsumerRecord) -> Parcel:
        parcel = Parcel((record.topic, record.partition))
        try:
            task = read_tuning_task(record.value)
        except InvalidExecutionError as error:
            parcel.dead_letters.append(letter_of(record, record.value, "decode", "InvalidTuningTask", str(error)))
            return parcel
        result = await self._result_of(task)
        log.info(
            "tuning_task",
            tuning=task.tuning,
            task=task.id,
            application=task.application,
            state=result.state,
            cpu_s=round(result.cpu_s, 3),
            sentence=result.sentence,
        )
        parcel.outgoing.append(Outgoing(self._results, task.tuning.encode(), encode(result)))
        return parcel

    async def _result_of(self, task: TuningTask) -> TuningResult:
        if task.expires_at <= self._clock():
            return _ended(task, "expired", "Nobody took it before it expired.")
        log.info("tuning_task_begins", tuning=task.tuning, task=task.id)
        try:
            result: TuningResult = await asyncio.wrap_future(self._helper.submit(run_task, self._settings, task))
            return result
        except BrokenExecutor as error:
            return _ended(task, "failed", f"The process that ran it died again and again: {error}")
        except Exception as error:
            log.exception("tuning_task_failed", tuning=task.tuning, task=task.id)
            return _ended(task, "failed", f"It failed: {type(error).__name__}.")


def _ended(task: TuningTask, state: State, sentence: str) -> TuningResult:
    return TuningResult(
        id=task.id,
        tuning=task.tuning,
        number=task.number,
        settings=task.settings,
        state=state,
        host=socket.gethostname(),
        sentence=sentence,
    )
