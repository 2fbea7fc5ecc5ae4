"""The scoring agent: runs of executions in; anomalies, model events, forwards and dead letters out."""

import asyncio
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Collection, Iterator, Mapping, Sequence, Set
from contextlib import aclosing

import structlog
from aiokafka import ConsumerRecord
from faust.types import TP

from tracehound.detectors.alarms import events
from tracehound.detectors.columns.columned_executions import ColumnedExecutions
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import ApplicationKey, ExecutionHead, whole
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.delivery.letters import failure_letter, letter_of
from tracehound.streams.delivery.outputs import (
    anomalies_outgoing,
    incident_input_of,
    incident_input_outgoing,
    log_outgoing,
    model_events_outgoing,
)
from tracehound.streams.kafka.bounded_parts import bytes_of
from tracehound.streams.kafka.runs.at_hand import at_hand
from tracehound.streams.kafka.runs.run import Run, RunListener
from tracehound.streams.scoring.decision_log import log_anomaly
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.scoring.read_run import Reading, RunReader
from tracehound.streams.scoring.report_progress import ProgressLedger, Tallies, report_progress, tally
from tracehound.streams.scoring.score_chunk import ChunkOutcome, ScoringFailedError, score_at_once, score_chunk
from tracehound.streams.scoring.sources import Sources
from tracehound.streams.states.partitions import Partition, Partitions, Seen
from tracehound.streams.states.resident_models import ResidentModels
from tracehound.streams.states.scoring_core import ScoringCore

_RECORDS_BETWEEN_YIELDS = 2_000
_BYTES_BETWEEN_YIELDS = 1_000_000
_RUNS_AHEAD = 16
_LINGER_S = 0.002
_SAVE_REWOUND_S = 10.0
_SAVE_SLICE_S = 0.005  # snapshots taken at a stretch; scoring waits for them
_LAST_SLICE_S = 0.02  # the same once nothing is scored any more: each is a write that is waited for

log = structlog.get_logger(__name__)


async def score_executions(runs: AsyncIterable[Run], scoring: "Scoring") -> None:
    """Agent. Input: executions topic, keyed by application. Outputs: anomalies, models, scored logs, incident
    input, dead letters.

    Also forwards executions that are in another application's partition.

    Learned exactly once, published at least once: a run is acknowledged after the broker acknowledged everything
    it led to and then the states of all applications that learned from it. Anomalies have ids that follow from
    content, so that a repeated one can be told.
    """
    async with aclosing(at_hand(runs, scoring.joins, _RUNS_AHEAD, scoring.linger_s)) as ready:
        async for together in ready:
            await scoring.take(together)


class Scoring(RunListener):
    """Takes runs one after the other, and finishes and saves what it has when partitions are revoked.

    Parameters:
        progressed: called when a run was dealt with.
        clock: wall time in epoch seconds.
        go_back: lets the consumer read all partitions again from what is committed.
    """

    def __init__(
        self,
        scorer: ScoringCore,
        partitions: Partitions,
        models: ResidentModels,
        reader: RunReader,
        delivery: Delivery,
        ledger: ProgressLedger,
        topics: Topics,
        metrics: Metrics,
        progressed: Callable[[], None],
        clock: Callable[[], float],
        go_back: Callable[[], Awaitable[object]],
    ) -> None:
        self._scorer = scorer
        self._partitions = partitions
        self._models = models
        self._reader = reader
        self._delivery = delivery
        self._ledger = ledger
        self._topics = topics
        self._metrics = metrics
        self._progressed = progressed
        self._clock = clock
        self._go_back = go_back
        self._doubted_to: dict[int, int] = {}  # by partition the end of runs that could not be scored at once
        self._resting = asyncio.Lock()
        self._spawned: set[asyncio.Future[None]] = set()

    @property
    def resting(self) -> asyncio.Lock:
        """Held while runs are scored: who holds it may change models."""
        return self._resting

    # --- told by the consumer (``RunListener``)

    async def assigned(self, partitions: Collection[TP]) -> None:
        """These partitions are owned from now on, and no others."""
        await self._models.assign({tp.partition for tp in partitions})

    async def finish_runs(self) -> None:
        """Finish the run at hand and everything in flight, and save all states."""
        async with self._resting:
            await self._delivery.idle()
            await report_progress(self._ledger, self._topics, self._delivery, self._metrics)
            await self._delivery.idle()
            while (batches := self._models.take(_LAST_SLICE_S)) or self._models.saving:
                if not await self._models.write(batches):
                    return
                await asyncio.sleep(0)

    async def fetch_live(self, partition: Partition, live: Sequence[ApplicationKey], event_s: float) -> None:
        """Have models in memory whose silence is to be judged, a few at a time."""
        async with self._resting:
            if not partition.lost:
                told = await self._models.fetch_live(partition, live, event_s)
                self._metrics.count_model_changes(told)
                await self._delivery.send(
                    Parcel(partition.number, model_events_outgoing(told, self._topics.models.name))
                )

    async def save(self, longest_s: float) -> None:
        """Save states for about so many seconds of this process, those first that have waited longest.

        What is scored meanwhile waits for a slice of it at the most, and goes on while Kafka takes that.
        """
        while longest_s > 0.0:
            async with self._resting:
                begun_s = time.perf_counter()
                batches = self._models.take(_SAVE_SLICE_S)
                longest_s -= time.perf_counter() - begun_s
            if not batches or not await self._models.write(batches):
                return

    async def retire(self, unused_s: float) -> None:
        """Forget applications of which nothing has come for so many seconds of wall time."""
        async with self._resting:
            self._metrics.applications_retired.inc(self._models.retire(self._clock() - unused_s))

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        """Reading begins at these offsets."""
        self._partitions.positioned({tp.partition: offset for tp, offset in committed.items()})

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        """Records were deleted before they were scored: told on the models topic.

        What was learned of a topic that was made anew is saved at once: nobody can read that again.
        """
        self._partitions.rewound(tp.partition, resumed_at)
        if resumed_at > wanted:
            told = [events.records_lost(tp.topic, tp.partition, wanted, resumed_at, self._clock())]
            self._metrics.count_model_changes(told)
            parcel = Parcel(tp.partition, model_events_outgoing(told, self._topics.models.name))
            self._spawn(self._delivery.send(parcel))
        else:
            self._spawn(self.save(_SAVE_REWOUND_S))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)

    # --- the work

    def joins(self, before: Sequence[Run], run: Run) -> bool:
        """Whether a run may be scored in one call with those before it, as short runs are.

        A call costs a good part of a millisecond whatever it is given, so that one for each of many short runs would
        keep a worker busy that has little to do.
        """
        return len(run.records) + sum(len(one.records) for one in before) <= self._scorer.chunk

    def linger_s(self, run: Run) -> float:
        """How long a run waits for the next to join it, as those of one fetch follow one another; a long one does not,
        so that a backlog is read at full speed.
        """
        return _LINGER_S if 2 * len(run.records) <= self._scorer.chunk else 0.0

    async def take(self, runs: Sequence[Run]) -> None:
        """Score runs and hand what they lead to over to the delivery. Waits while too much is in flight."""
        begun_s = time.perf_counter()
        scored = await self._take_or_fail(runs)
        self.note_taken(time.perf_counter() - begun_s)
        if scored:
            return
        # Outside of the lock: the consumer may be waiting for it.
        await self._go_back()

    async def _take_or_fail(self, runs: Sequence[Run]) -> bool:
        """False where scoring failed: the partitions have been given up then, and must be read again."""
        found = [(run, partition) for run in runs if (partition := await self._partitions.loaded(run)) is not None]
        async with self._resting:
            taken = [(run, partition) for run, partition in found if run.outstanding and not partition.lost]
            if not taken:
                return True
            try:
                await self._take(taken)
            except ScoringFailedError as error:
                self._begin_anew(taken, error)
                return False
            except BaseException:  # what was learned of half a run must not be saved when the worker stops
                for _, partition in taken:
                    self._partitions.drop(partition)
                raise
            finally:
                if any(self._partitions.get(partition.number) is not partition for _, partition in taken):
                    self._models.forget_lost()
        return True

    def _begin_anew(self, taken: Sequence[tuple[Run, Partition]], error: ScoringFailedError) -> None:
        """What was learned of these runs is not known: their partitions begin at what is committed and saved.

        Up to the end of these runs they are then scored with a copy of the models at hand, which costs more.
        """
        self._metrics.scoring_begun_anew.inc()
        for run, partition in taken:
            self._doubted_to[partition.number] = max(run.end, self._doubted_to.get(partition.number, 0))
            self._partitions.begin_anew(partition)
        log.error(
            "scoring_begins_anew",
            partitions=[partition.number for _, partition in taken],
            sentence=f"{error} The partitions are read again from what was saved, and scored with care.",
        )

    async def _take(self, taken: Sequence[tuple[Run, Partition]]) -> None:
        for _, partition in taken:
            self._models.crowd_out(partition, self._clock())
        readings, executions = await self._read(taken)
        if len(taken) > 1 and await self._score_together(taken, readings, executions):
            return
        for (run, partition), reading in zip(taken, readings, strict=True):
            await self._score_run(run, partition, reading)

    async def _score_together(
        self,
        taken: Sequence[tuple[Run, Partition]],
        readings: Sequence[Reading],
        executions: ColumnedExecutions | None,
    ) -> bool:
        """Score runs in one call. False, with nothing done, where they hold more than one chunk or what must keep an
        order, or where a partition is lost. ``executions`` are those of all, where that is known.
        """
        parts = [part for reading in readings for part in reading.parts]
        if sum(map(len, parts)) > self._scorer.chunk or not all(reading.executions_only for reading in readings):
            return False
        executions = ColumnedExecutions.joined(parts) if executions is None else executions
        parcel = Parcel(
            taken[0][1].number,
            dead_letters=[letter for one in readings for letter in one.dead_letters],
            alike_letters=[letters for one in readings for letters in one.alike_letters],
        )
        by_run = [(own := reading.executions, own.heads.applications().keys()) for reading in readings]
        together = executions.heads.applications().keys()
        for (_, partition), (own, applications) in zip(taken, by_run, strict=True):
            await self._fetch_models(partition, own, applications, together, parcel)
        await self._await_fits(executions)
        if any(partition.lost for _, partition in taken):
            await self._delivery.send(Parcel(parcel.source, parcel.outgoing))  # what fetching led to
            return False
        sources = Sources.joined(reading.sources for reading in readings)
        outcomes = [self._score(executions, sources, parcel, self._doubts(taken))] if executions else []
        tallies = tally(executions, outcomes, self._scorer.now_s)
        for (run, partition), reading, (_, applications) in zip(taken, readings, by_run, strict=True):
            self._note(run, partition, reading, {key: tallies[key] for key in applications})
        parcel.when_safe = lambda: self._delivered(taken, tallies)
        await self._delivery.send(parcel)
        return True

    async def _score_run(self, run: Run, partition: Partition, reading: Reading) -> None:
        parcel = Parcel(partition.number, [], reading.dead_letters, reading.alike_letters, reading.forwards)
        outcomes: list[ChunkOutcome] = []
        executions = reading.executions
        applications = executions.heads.applications().keys()
        await self._fetch_models(partition, executions, applications, applications, parcel)
        for start, stop in _chunks(0, len(executions), self._scorer.chunk):
            chunk = executions[start:stop]
            await self._await_fits(chunk)
            if partition.lost:
                return
            sources = reading.sources[start:stop]
            outcomes.append(self._score(chunk, sources, parcel, self._doubts([(run, partition)])))
            await asyncio.sleep(0)
        if partition.lost:
            return
        tallies = tally(executions, outcomes, self._scorer.now_s)
        self._note(run, partition, reading, tallies)
        parcel.when_safe = lambda: self._delivered([(run, partition)], tallies)
        await self._delivery.send(parcel)

    def _note(self, run: Run, partition: Partition, reading: Reading, tallies: Tallies) -> None:
        """The run is scored; its partition holds it until its results are safe and its models saved."""
        new_from = max(run.start, partition.scored_to)
        partition.note_scored(run.end)
        partition.note_learned(reading.origins)
        self._remember(partition, tallies)
        for application in tallies:
            partition.dirty.setdefault(application, new_from)
        partition.held.append(run)
        self._metrics.records.inc(len(run.records))
        self._metrics.executions.inc(len(reading.sources))
        self._metrics.of_applications.count_scored(tallies)
        self._metrics.duplicates_skipped.inc(reading.duplicates)
        self._metrics.origins_refused.inc(reading.origins_refused)
        self._metrics.skipped_records.inc(reading.skipped)
        run.release()

    async def _read(
        self, taken: Sequence[tuple[Run, Partition]]
    ) -> tuple[Sequence[Reading], ColumnedExecutions | None]:
        """What runs hold, and all their executions where they were read in one call, as short ones are."""
        for run, _ in taken:
            await self._reader.look(run.records)
        if len(taken) > 1 and sum(bytes_of(run.records) for run, _ in taken) <= _BYTES_BETWEEN_YIELDS:
            return self._reader.read_runs([(partition, run.records) for run, partition in taken])
        return [await self._read_run(run, partition) for run, partition in taken], None

    async def _read_run(self, run: Run, partition: Partition) -> Reading:
        reading = Reading()
        for start, stop in _slices(run.records):
            if start:
                await asyncio.sleep(0)
            self._reader.read_all(partition, run.records[start:stop], reading)
        return reading

    async def _await_fits(self, chunk: Sequence[ExecutionHead]) -> None:
        due = self._scorer.fits_due(chunk)
        if due:  # how a fit ended is the scorer's business
            await asyncio.gather(*map(asyncio.wrap_future, due), return_exceptions=True)

    def _doubts(self, taken: Sequence[tuple[Run, Partition]]) -> bool:
        """Whether scoring failed at one of these runs, or behind it, before."""
        for run, partition in taken:
            doubted_to = self._doubted_to.get(partition.number)
            if doubted_to is not None and run.start < doubted_to:
                return True
            self._doubted_to.pop(partition.number, None)
        return False

    def _score(
        self, chunk: Sequence[ExecutionHead], sources: Sequence[ConsumerRecord], parcel: Parcel, doubted: bool
    ) -> ChunkOutcome:
        with self._metrics.scoring_seconds.time():
            outcome = (score_chunk if doubted else score_at_once)(self._scorer, chunk)
        self._metrics.count_suppressed(outcome.suppressed)
        self._metrics.count_model_changes(outcome.model_events)
        parcel.outgoing += model_events_outgoing(outcome.model_events, self._topics.models.name)
        self._tell_logs(outcome, chunk, sources, parcel)
        self._tell_incidents([], outcome.model_events, parcel)
        for index, anomaly in outcome.anomalies:
            try:
                self._metrics.count_anomalies([anomaly])
                parcel.outgoing += anomalies_outgoing([anomaly], self._topics.anomalies.name)
                self._tell_incidents([anomaly], [], parcel)
                log_anomaly(anomaly, whole(chunk[index]), max(0.0, self._clock() - sources[index].timestamp / 1_000.0))
            except Exception as failure:  # noqa: BLE001 (what cannot be told of one must not keep the others)
                value = encode(whole(chunk[index]))
                parcel.dead_letters.append(failure_letter(sources[index], value, "tell", failure))
        for index, error in outcome.failures:
            reason = f"Scoring the execution of {chunk[index].operation!r} failed: {error}."
            parcel.dead_letters.append(
                letter_of(sources[index], encode(whole(chunk[index])), "score", type(error).__name__, reason)
            )
        return outcome

    def _tell_logs(
        self, outcome: ChunkOutcome, chunk: Sequence[ExecutionHead], sources: Sequence[ConsumerRecord], parcel: Parcel
    ) -> None:
        for index, event in outcome.logs:
            if isinstance(event, Exception):
                parcel.dead_letters.append(failure_letter(sources[index], encode(whole(chunk[index])), "tell", event))
            else:
                parcel.outgoing.append(log_outgoing(event, self._topics.scored_logs.name))

    def _tell_incidents(self, anomalies: Sequence[AnomalyEvent], changes: Sequence[ModelEvent], parcel: Parcel) -> None:
        told = incident_input_of(anomalies, changes)
        parcel.outgoing += incident_input_outgoing(told, self._topics.incident_input.name)

    async def _fetch_models(
        self,
        partition: Partition,
        executions: ColumnedExecutions,
        learning: Set[ApplicationKey],
        keep: Set[ApplicationKey],
        parcel: Parcel,
    ) -> None:
        """Have the models of ``learning`` in memory, by which these executions are learned, with those of ``keep``."""
        if not learning:
            return
        told = await self._models.fetch(partition, learning, float(executions.heads.started_s[0]), keep)
        self._metrics.count_model_changes(told)
        parcel.outgoing += model_events_outgoing(told, self._topics.models.name)

    def _remember(self, partition: Partition, tallies: Tallies) -> None:
        now_s = self._clock()
        for application, counted in tallies.items():
            seen = partition.applications.setdefault(application, Seen())
            if not seen.scored_at_s:
                seen.first_scored_at_s = now_s
            seen.newest_event_s, seen.scored_at_s, seen.quiet_since_s = counted.newest_s, now_s, None
            partition.newest_event_s = max(partition.newest_event_s or 0.0, counted.newest_s)

    def _delivered(self, scored: Sequence[tuple[Run, Partition]], tallies: Tallies) -> None:
        for run, partition in scored:
            run.finish()
            partition.acknowledge()
        self._progressed()
        self._ledger.acknowledged(tallies)


def _slices(records: Sequence[ConsumerRecord]) -> Iterator[tuple[int, int]]:
    """Of records that are read at a stretch."""
    count = len(records)
    of_bytes = count * _BYTES_BETWEEN_YIELDS // max(1, bytes_of(records))
    return _chunks(0, count, max(1, min(_RECORDS_BETWEEN_YIELDS, of_bytes)))


def _chunks(begin: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Slices of at most ``size`` from ``begin`` to ``end``, as few as possible and about as long as one another.

    >>> list(_chunks(3, 8, 2))
    [(3, 4), (4, 6), (6, 8)]
    """
    count = -(-(end - begin) // max(1, size))
    for number in range(count):
        yield begin + (end - begin) * number // count, begin + (end - begin) * (number + 1) // count
