"""Sorts the records of a run: executions to score, records to forward, dead letters, and what is known already."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np
import structlog
from aiokafka import ConsumerRecord

from tracehound.detectors.columns.columned_executions import ColumnedExecutions, columned
from tracehound.detectors.columns.placed_texts import PlacedTexts
from tracehound.detectors.columns.read_records import ABSENT, HEADER_LENGTH
from tracehound.detectors.columns.short_values import TO_READ
from tracehound.schemas.codec import encode
from tracehound.schemas.control import CONTROL_HEADER
from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.execution import ApplicationKey, ExecutionHead, whole
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.delivery.alike_letters import AlikeLetters
from tracehound.streams.delivery.foreign_records import ForeignRecords
from tracehound.streams.delivery.letters import failure_letter, letter_of, rejection_letter
from tracehound.streams.envelopes.opener import SCHEMA_HEADER, ExecutionReader
from tracehound.streams.envelopes.short_values import REFUSED
from tracehound.streams.kafka.bounded_batches import PACKED, packed_sentence
from tracehound.streams.kafka.columned_records import ColumnedRecords
from tracehound.streams.kafka.forwarding import Origin, Partitioner, origin_headers, read_origin
from tracehound.streams.kafka.odd_records import UNREAD_HEADER
from tracehound.streams.kafka.origin_bounds import OriginBounds
from tracehound.streams.kafka.origin_columns import OriginReader
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.kafka.record_time import judged_at_s, written_ms
from tracehound.streams.scoring.read_columns import ColumnReader
from tracehound.streams.scoring.read_together import Opened, TakenUp, TogetherReader
from tracehound.streams.scoring.sources import Sources
from tracehound.streams.states.partitions import Partition

_MISPLACED = (
    "Control records are obeyed on control.v1 only, which access control can protect: producers of executions say "
    "nothing about models."
)

_EARNED = 100
"""Bytes of a record that is read, for what may be explained of others: nobody needs to count them."""
_FEW = 250
"""Records that are read one by one where one of them is unusual; of more, the others are read together."""
_FEW_ALIKE = 16
"""Letters that are no flood: fewer go with the others, in order."""
_OURS = frozenset((CONTROL_HEADER, UNREAD_HEADER))
_MARKS = PlacedTexts.of([name.encode() for name in (*sorted(_OURS), SCHEMA_HEADER)])
"""Headers of records that have to be read, however short they are."""

_OFFSET = attrgetter("offset")

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Reading:
    """What a run holds.

    ``parts`` are its executions, one part after the other.
    ``origins`` are those of records that have one, by the applications that learn them, the last of each source at
    least. ``skipped`` counts records of another format that were not told one by one; ``origins_refused`` those that
    name an origin that is not there.
    """

    parts: list[ColumnedExecutions] = field(default_factory=list)
    sources: Sources = field(default_factory=Sources)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    alike_letters: list[AlikeLetters] = field(default_factory=list)
    forwards: list[Outgoing] = field(default_factory=list)
    duplicates: int = 0
    skipped: int = 0
    origins: list[tuple[ApplicationKey, Origin]] = field(default_factory=list)
    origins_refused: int = 0

    @property
    def executions(self) -> ColumnedExecutions:
        """All executions."""
        return ColumnedExecutions.joined(self.parts)

    @property
    def executions_only(self) -> bool:
        """Whether there is nothing that has to happen between executions or must keep an order on its way out."""
        return not self.forwards


def _key(execution: ExecutionHead) -> ApplicationKey:
    return execution.application, execution.environment


class RunReader:
    """Reads records of one topic. Never raises for a record, whatever it holds.

    Parameters:
        topic: name of the topic.
        partitions: how many partitions it has.
        limits: what a record must keep.
        normalize: turns an operation's name into its template; None leaves names as they are.
        intake_topics: those of spans and of logs; records that intake made of them are known by their origin.
        clock: wall time in epoch seconds; the future of records without a time is judged by it.
        executions: reads what is no plain JSON; None for what needs no settings.
        elapsed: elapsed seconds; a flood of another format is told once in each.
        bounds: which origins are believed; None for all of these topics.
    """

    def __init__(
        self,
        topic: str,
        partitions: int,
        limits: Limits,
        normalize: Callable[[str], str] | None = None,
        intake_topics: Collection[str] = (),
        clock: Callable[[], float] = time.time,
        executions: ExecutionReader | None = None,
        elapsed: Callable[[], float] = time.monotonic,
        bounds: OriginBounds | None = None,
    ) -> None:
        self._bounds = bounds
        self._topic = topic
        self._clock = clock
        self._origins = frozenset((topic, *intake_topics))
        self._partitions = partitions
        self._normalize = normalize
        self._columns = ColumnReader(limits, normalize)
        self._partitioner = Partitioner(partitions)
        self._foreign = ForeignRecords(elapsed)
        self._executions = executions or ExecutionReader(limits)
        origins = OriginReader(self._origins, partitions, _OURS)
        self._together = TogetherReader(
            self._columns, origins, self._partitioner, self._executions, limits, bounds, clock
        )

    def read_runs(
        self, runs: Sequence[tuple[Partition, Sequence[ConsumerRecord]]]
    ) -> tuple[list[Reading], ColumnedExecutions | None]:
        """What runs hold, each as ``read_all`` reads it, one after the other; and all their executions, where these
        could be read in one call.
        """
        try:
            opened, executions = self._together.open(runs)
        except Exception:
            log.exception("records_failed", records=sum(len(records) for _, records in runs))
            opened, executions = [None for _ in runs], None
        readings: list[Reading] = []
        for (partition, records), one in zip(runs, opened, strict=True):
            reading = Reading()
            if one is None or not self._add(reading, records, self._taken_up(partition, one)):
                executions = None
                self.read_all(partition, records, reading)
            readings.append(reading)
        return readings, executions

    def read_all(self, partition: Partition, records: Sequence[ConsumerRecord], reading: Reading) -> None:
        """Add what records hold, of which there is at least one, in order, to ``reading``, and remember in
        ``partition`` that they were read.
        """
        try:
            together = self._together.read(partition, records)
        except Exception:
            log.exception("records_failed", records=len(records))  # one by one it will be seen which
            together = None
        if self._add(reading, records, together):
            return
        if len(records) > _FEW:
            middle = len(records) // 2
            self.read_all(partition, records[:middle], reading)
            self.read_all(partition, records[middle:], reading)
            return
        read: list[ExecutionHead] = []
        rows: list[int] = []
        told = len(reading.dead_letters)
        for row in self._sort_out(partition, ColumnedRecords.of(records), reading):
            found = self._read_one(partition, records[row], reading)
            read += found
            rows += [row] * len(found)
        reading.dead_letters[told:] = sorted(reading.dead_letters[told:], key=_OFFSET)
        reading.parts.append(columned(read, self._columns.names))
        reading.sources.add(records, np.array(rows, np.int64))

    def _taken_up(self, partition: Partition, opened: Opened) -> TakenUp | None:
        try:
            return self._together.take_up(partition, opened)
        except Exception:
            log.exception("records_failed", records=len(opened.records))
            return None

    def _add(self, reading: Reading, records: Sequence[ConsumerRecord], taken: TakenUp | None) -> bool:
        """Add what was taken up, if anything was."""
        if taken is None:
            return False
        reading.origins += taken.news
        reading.origins_refused += taken.origins_refused
        self._executions.earn(_EARNED * len(records))
        reading.sources.add(records, taken.read.records)
        reading.parts.append(taken.read.executions)
        return True

    def _sort_out(self, partition: Partition, records: ColumnedRecords, reading: Reading) -> list[int]:
        """The places of the records that have to be read. The others are refused at once, since few bytes alone say
        enough of them: reading one costs as much as reading hundreds of good ones.
        """
        asked = records.offsets >= partition.scored_to
        headers = records.headers_of(_MARKS)
        if headers is not None:
            asked &= (headers[:, :, HEADER_LENGTH] == ABSENT).all(axis=1)
        found = self._executions.sort_out(records.text, records.places, asked)
        for kind, refused in REFUSED.items():
            rows = np.flatnonzero(found == kind)
            if rows.size:
                letters = AlikeLetters(records.chosen(rows), refused)
                if rows.size < _FEW_ALIKE:
                    reading.dead_letters += letters
                else:
                    reading.alike_letters.append(letters)
        places: list[int] = np.flatnonzero(found == TO_READ).tolist()
        return places

    def read(self, partition: Partition, record: ConsumerRecord, reading: Reading) -> None:
        """``read_all`` of one record, as it is read where not all can be read together."""
        executions = self._read_one(partition, record, reading)
        reading.parts.append(columned(executions, self._columns.names))
        reading.sources.add([record], np.zeros(len(executions), np.int64))

    def _read_one(self, partition: Partition, record: ConsumerRecord, reading: Reading) -> list[ExecutionHead]:
        try:
            executions = self._read(partition, record, reading)
            if self._normalize is not None:
                for execution in executions:
                    execution.operation = self._normalize(execution.operation)
        except Exception as error:  # noqa: BLE001 (whatever it is, the records behind this one must be read)
            reading.dead_letters.append(failure_letter(record, record.value, "decode", error))
            return []
        return executions

    def _read(self, partition: Partition, record: ConsumerRecord, reading: Reading) -> list[ExecutionHead]:
        if record.offset < partition.scored_to:
            reading.duplicates += 1
            return []
        origin = None
        if record.headers:
            if (packed := packed_sentence(record.headers)) is not None:
                reading.dead_letters.append(letter_of(record, record.value, "decode", PACKED, packed))
                return []
            origin = self._origin_of(record, reading)
            if any(name == CONTROL_HEADER for name, _ in record.headers):
                reading.dead_letters.append(letter_of(record, record.value, "decode", "MisplacedControl", _MISPLACED))
                return []
        decoded = self._executions.decode(record.value, record.headers, judged_at_s(record, self._clock()))
        executions: list[ExecutionHead] = [*decoded.executions]
        if executions and self._is_elsewhere(partition, executions[0].application, record, origin, reading):
            return []
        if partition.full:
            executions = self._with_room(partition, record, executions, reading)
            if not executions and not decoded.rejected:
                return []
        if executions and (origin is not None or partition.learned_to):
            executions = self._news(partition, record, origin, executions, reading)
            if not executions:
                reading.duplicates += 1
                return []
        for refused in decoded.rejected:
            told = self._foreign.told(record, refused)
            if told is None:
                reading.skipped += 1
            else:
                reading.dead_letters.append(rejection_letter(record, told))
        return executions

    @staticmethod
    def _with_room(
        partition: Partition, record: ConsumerRecord, executions: list[ExecutionHead], reading: Reading
    ) -> list[ExecutionHead]:
        """The executions of applications that a full partition knows; the others are dead letters."""
        strange = [one for one in executions if _key(one) not in partition.applications]
        if strange:
            value = (
                record.value
                if len(strange) == len(executions)
                else b"[" + b",".join(encode(whole(one)) for one in strange) + b"]"
            )
            reason = (
                f"Partition {partition.number} must have at most as many applications as the setting "
                f"'applications_per_partition' says. Got {strange[0].application!r} beside {partition.full:,} that are "
                "all in use instead."
            )
            reading.dead_letters.append(letter_of(record, value, "validate", "TooManyApplications", reason))
        return [one for one in executions if _key(one) in partition.applications]

    async def look(self, records: Sequence[ConsumerRecord]) -> None:
        """Find out which origins of records may be believed; call it before they are read."""
        if self._bounds is not None:
            await self._bounds.look(records)

    def _origin_of(self, record: ConsumerRecord, reading: Reading) -> Origin | None:
        origin = read_origin(record.headers, self._origins, self._partitions)
        if origin is None or self._bounds is None or self._bounds.believes(origin):
            return origin
        reading.origins_refused += 1
        return None

    @staticmethod
    def _news(
        partition: Partition,
        record: ConsumerRecord,
        origin: Origin | None,
        executions: list[ExecutionHead],
        reading: Reading,
    ) -> list[ExecutionHead]:
        """The executions of applications that have not learned the record before."""
        keys = set(map(_key, executions))
        news = {key for key in keys if not partition.knows(key, record.offset, origin)}
        if origin is not None:
            for key in news:
                partition.note_read(key, origin)
                reading.origins.append((key, origin))
        return [execution for execution in executions if _key(execution) in news]

    def _is_elsewhere(
        self, partition: Partition, application: str, record: ConsumerRecord, origin: Origin | None, reading: Reading
    ) -> bool:
        right = self._partitioner.partition_of(application)
        if right == record.partition:
            return False
        if origin is not None:  # forwarding it again could go round in circles
            reason = (
                f"The record was sent by tracehound to partition {record.partition}, but its application belongs in "
                f"partition {right} of {self._partitions}: workers disagree about the setting 'partitions'."
            )
            reading.dead_letters.append(letter_of(record, record.value, "validate", "ForwardedTwice", reason))
            return True
        # The whole record goes on, bad elements too: they are refused where the good ones are learned.
        reading.forwards.append(
            Outgoing(
                topic=self._topic,
                key=application.encode(),
                value=record.value,
                headers=origin_headers(
                    *(record.headers, record.topic, record.partition, record.offset), partition.topic_id
                ),
                partition=right,
                timestamp_ms=written_ms(record),
            )
        )
        return True
