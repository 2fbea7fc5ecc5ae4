"""The agent that has applications judged by settings of their own, from a topic that operators alone write."""

import asyncio
from collections.abc import AsyncIterable

import structlog
from faust.types import TP

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.delivery.letters import letter_of
from tracehound.streams.delivery.outputs import model_events_outgoing
from tracehound.streams.kafka.runs.run import Run, RunListener
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.states.partitions import Partitions
from tracehound.streams.states.settled_applications import SettledApplications

log = structlog.get_logger(__name__)


async def settle_applications(runs: AsyncIterable[Run], settling: "Settling") -> None:
    """Agent. Input: topic of settings, compacted, partitioned as executions are. Outputs: models topic, dead letters.

    Nothing is saved: the topic itself is what is kept, and read whole by whoever comes to own its partition.
    """
    async for run in runs:
        await settling.take(run)


class Settling(RunListener):
    """Takes run after run, between runs of executions.

    Parameters:
        resting: held by who changes models.
    """

    def __init__(
        self,
        settled: SettledApplications,
        partitions: Partitions,
        delivery: Delivery,
        topics: Topics,
        metrics: Metrics,
        resting: asyncio.Lock,
    ) -> None:
        self._settled = settled
        self._partitions = partitions
        self._delivery = delivery
        self._models = topics.models.name
        self._metrics = metrics
        self._resting = resting

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        """The topic was made anew, or compacted beyond what was read."""
        if resumed_at < wanted:
            self._settled.rewound(tp.partition)

    async def take(self, run: Run) -> None:
        """Use what the records say, tell it, and acknowledge."""
        partition = await self._partitions.loaded(run)
        if partition is None:
            return
        parcel, told = Parcel(run.tp), []
        async with self._resting:
            if partition.lost or not run.outstanding:
                return
            for record in run.records:
                try:
                    event = self._settled.take(record)
                except InvalidExecutionError as error:
                    letter = letter_of(record, record.value, "decode", "InvalidSettings", str(error))
                    parcel.dead_letters.append(letter)
                    continue
                if event is not None:
                    told.append(event)
                    log.warning("application_settled", application=event.data.application, sentence=event.data.sentence)
        self._metrics.count_model_changes(told)
        parcel.outgoing += model_events_outgoing(told, self._models)
        run.release()
        await self._delivery.send(parcel)
        if await self._delivery.settled():
            run.ack()
