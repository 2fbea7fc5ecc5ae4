"""The agent that obeys: what operators and people's verdicts want done with models, from a topic of its own."""

import asyncio
from collections.abc import AsyncIterable, Callable

import structlog
from aiokafka import ConsumerRecord

from tracehound.schemas.control import read_control
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.delivery.letters import failure_letter, letter_of
from tracehound.streams.delivery.outputs import model_events_outgoing
from tracehound.streams.kafka.forwarding import Origin, Partitioner
from tracehound.streams.kafka.runs.run import Run, RunListener
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.states.partitions import Partition, Partitions
from tracehound.streams.states.resident_models import ResidentModels
from tracehound.streams.states.scoring_core import ScoringCore

log = structlog.get_logger(__name__)


async def obey_controls(runs: AsyncIterable[Run], controlling: "Controlling") -> None:
    """Agent. Input: control topic, keyed and partitioned as executions are. Outputs: models topic, dead letters.

    Each record is obeyed once: what was obeyed is part of the state of its application, by the record's offset, and a
    run is acknowledged once these states are saved. Among an application's executions a record takes the place that
    reading has come to.
    """
    async for run in runs:
        await controlling.take(run)


class Controlling(RunListener):
    """Obeys run after run, between runs of executions.

    Parameters:
        resting: held by who changes models.
        topic_id: gives the id of a topic that is read; empty where nobody knows.
        progressed: called when a run was dealt with.
    """

    def __init__(
        self,
        scorer: ScoringCore,
        partitions: Partitions,
        models: ResidentModels,
        delivery: Delivery,
        topics: Topics,
        metrics: Metrics,
        resting: asyncio.Lock,
        topic_id: Callable[[str], str],
        progressed: Callable[[], None],
    ) -> None:
        self._scorer = scorer
        self._partitions = partitions
        self._models = models
        self._delivery = delivery
        self._topics = topics
        self._metrics = metrics
        self._resting = resting
        self._topic_id = topic_id
        self._progressed = progressed
        self._partitioner = Partitioner(topics.control.partitions)
        self._busy = asyncio.Lock()

    async def finish_runs(self) -> None:
        """Finish the run at hand."""
        async with self._busy:
            await self._delivery.idle()

    async def take(self, run: Run) -> None:
        """Obey, save what was changed, and acknowledge."""
        partition = await self._partitions.loaded(run)
        if partition is None:
            return
        async with self._busy:
            changed: set[ApplicationKey] = set()
            parcel = Parcel(run.tp)
            async with self._resting:
                for record in run.records:
                    if partition.lost or not run.outstanding:
                        return
                    await self._obey(partition, record, parcel, changed)
            run.release()
            await self._delivery.send(parcel)
            if await self._delivery.settled() and await self._models.save_soon(partition, changed, self._resting):
                run.ack()
                self._progressed()

    async def _obey(
        self, partition: Partition, record: ConsumerRecord, parcel: Parcel, changed: set[ApplicationKey]
    ) -> None:
        try:
            control = read_control(record.value)
        except InvalidExecutionError as error:
            parcel.dead_letters.append(letter_of(record, record.value, "decode", "InvalidControl", str(error)))
            return
        if (right := self._partitioner.partition_of(control.application)) != record.partition:
            reason = (
                f"A control record of {control.application} must be in partition {right}. "
                f"Got {record.partition} instead."
            )
            parcel.dead_letters.append(letter_of(record, record.value, "validate", "WrongPartition", reason))
            return
        key = (control.application, control.environment)
        origin = Origin(record.topic, record.partition, record.offset, self._topic_id(record.topic))
        if partition.has_learned(key, origin):
            self._metrics.duplicates_skipped.inc()
            return
        told = await self._models.fetch(partition, [key], control.asked_at)
        if partition.lost:
            return
        before = self._copy(key)
        try:
            told += self._models.obey(control)
        except Exception as error:  # noqa: BLE001 (whatever it is, the records behind this one must be obeyed)
            self._put_back(key, before)
            parcel.dead_letters.append(failure_letter(record, record.value, "obey", error))
        log.warning("control_obeyed", verb=control.verb, application=key[0], environment=key[1], by=control.by)
        partition.epoch += 1  # of two states of one position this is the later one
        partition.note_learned([(key, origin)])
        partition.dirty.setdefault(key, partition.scored_to)
        changed.add(key)
        self._metrics.count_model_changes(told)
        parcel.outgoing += model_events_outgoing(told, self._topics.models.name)

    def _copy(self, key: ApplicationKey) -> bytes | None:
        try:
            return self._scorer.snapshot(key)
        except KeyError:
            return None

    def _put_back(self, key: ApplicationKey, before: bytes | None) -> None:
        if before is None:
            self._scorer.forget(key)
        else:
            self._scorer.restore(before, key)
