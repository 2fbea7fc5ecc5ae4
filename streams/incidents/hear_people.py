"""The agent that brings verdicts and maintenance windows into the one order with anomalies and progress."""

import asyncio
import time
from collections.abc import AsyncIterable, Callable, Mapping

import msgspec
import structlog
from aiokafka import ConsumerRecord

from tracehound.schemas.execution import rfc3339
from tracehound.schemas.feedback import Maintenance, Verdict
from tracehound.schemas.incident_input import IncidentInput, encode_input
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.delivery.letters import failure_letter, letter_of
from tracehound.streams.incidents.metrics import IncidentMetrics
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.kafka.runs.run import Run, RunListener

_decode_verdict = msgspec.json.Decoder(Verdict).decode
_decode_maintenance = msgspec.json.Decoder(Maintenance).decode
_DAY_S = 86_400.0
_AHEAD_S = _DAY_S
_NOBODY = "(did not say)"

log = structlog.get_logger(__name__)


async def hear_people(runs: AsyncIterable[Run], hearing: "Hearing") -> None:
    """Agent. Input: feedback and maintenance topics. Output: incident input; dead letters.

    At least once: a run is acknowledged after the broker acknowledged what it led to. It keeps no state.
    """
    async for run in runs:
        await hearing.take(run)


class Hearing(RunListener):
    """Checks what people say, one run after the other, and passes it on.

    A word about who says what is in the log: Kafka does not tell readers who wrote a record, so that the name is what
    the writer gave.

    Parameters:
        longest_s: the most seconds that a maintenance window may take.
        progressed: called when a run was dealt with.
        clock: wall time in epoch seconds; what lies far ahead of it is refused.
    """

    def __init__(
        self,
        delivery: Delivery,
        topics: Topics,
        metrics: IncidentMetrics,
        longest_s: float,
        progressed: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._longest_s = longest_s
        self._clock = clock
        self._delivery = delivery
        self._metrics = metrics
        self._progressed = progressed
        self._input_topic = topics.incident_input.name
        self._readers: Mapping[str, Callable[[ConsumerRecord], IncidentInput]] = {
            topics.feedback.name: self._verdict,
            topics.maintenance.name: self._maintenance,
        }

    async def finish_runs(self) -> None:
        """Finish everything in flight."""
        await self._delivery.idle()

    async def take(self, run: Run) -> None:
        """Check and pass on. Waits while too much is in flight, not for this one's arrival."""
        if not run.outstanding:
            return
        parcel = Parcel(run.tp)
        read = self._readers[run.tp.topic]
        for record in run.records:
            if record.value is None:  # the subject was forgotten: a compacted topic's tombstone
                continue
            try:
                heard = read(record)
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                reason = f"What people say must be as docs/contracts.md describes it: {error}."
                parcel.dead_letters.append(letter_of(record, record.value, "decode", "InvalidFeedback", reason))
                continue
            except Exception as error:  # noqa: BLE001 (whatever it is, the records behind this one must be heard)
                parcel.dead_letters.append(failure_letter(record, record.value, "decode", error))
                continue
            key = "" if heard.maintenance is None else heard.maintenance.environment
            parcel.outgoing.append(Outgoing(self._input_topic, key.encode(), encode_input(heard)))
        self._metrics.records.labels(topic=run.tp.topic).inc(len(run.records))
        run.release()
        parcel.when_safe = lambda: self._acknowledge(run)
        await self._delivery.send(parcel)
        await asyncio.sleep(0)

    def _acknowledge(self, run: Run) -> None:
        run.ack()
        self._progressed()

    def _verdict(self, record: ConsumerRecord) -> IncidentInput:
        verdict = _decode_verdict(record.value)
        latest_s = self._clock() + _AHEAD_S
        if verdict.judged_at > latest_s:  # no later one would replace it
            raise ValueError(
                f"judged_at must be at most a day ahead, {rfc3339(latest_s)}. Got {verdict.judged_at:.0f} instead"
            )
        log.warning(
            "verdict_heard",
            subject=verdict.subject_id,
            judgement=verdict.judgement,
            withdrawn=verdict.withdrawn,
            by=verdict.by or _NOBODY,
        )
        return IncidentInput(verdict=verdict)

    def _maintenance(self, record: ConsumerRecord) -> IncidentInput:
        window = _decode_maintenance(record.value)
        if not window.starts_at < window.ends_at:
            raise ValueError(f"starts_at must lie before ends_at. Got {window.starts_at} and {window.ends_at} instead")
        lasts_s = window.ends_at - window.starts_at
        if lasts_s > self._longest_s and not window.withdrawn:
            raise ValueError(
                f"a maintenance window must take at most {self._longest_s / _DAY_S:g} days (setting "
                f"'incident_worker.max_maintenance_days'). Got {lasts_s / _DAY_S:.1f} instead"
            )
        log.warning(
            "maintenance_heard",
            window=window.window_id,
            application=window.application or "(all)",
            environment=window.environment,
            days=round(lasts_s / _DAY_S, 3),
            learn=window.learn,
            withdrawn=window.withdrawn,
            by=window.by or _NOBODY,
        )
        return IncidentInput(maintenance=window)
