"""The agent that brings verdicts and maintenance windows into the one order with anomalies and progress."""

import asyncio
from collections.abc import AsyncIterable, Callable, Mapping

import msgspec
from aiokafka import ConsumerRecord

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


async def hear_people(runs: AsyncIterable[Run], hearing: "Hearing") -> None:
    """Agent. Input: feedback and maintenance topics. Output: incident input; dead letters.

    At least once: a run is acknowledged after the broker acknowledged what it led to. It keeps no state.
    """
    async for run in runs:
        await hearing.take(run)


class Hearing(RunListener):
    """Checks what people say, one run after the other, and passes it on.

    Parameters:
        progressed: called when a run was dealt with.
    """

    def __init__(
        self, delivery: Delivery, topics: Topics, metrics: IncidentMetrics, progressed: Callable[[], None]
    ) -> None:
        self._delivery = delivery
        self._metrics = metrics
        self._progressed = progressed
        self._input_topic = topics.incident_input.name
        self._readers: Mapping[str, Callable[[ConsumerRecord], IncidentInput]] = {
            topics.feedback.name: _verdict,
            topics.maintenance.name: _maintenance,
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


def _verdict(record: ConsumerRecord) -> IncidentInput:
    return IncidentInput(verdict=_decode_verdict(record.value))


def _maintenance(record: ConsumerRecord) -> IncidentInput:
    window = _decode_maintenance(record.value)
    if not window.starts_at < window.ends_at:
        raise ValueError(f"starts_at must lie before ends_at. Got {window.starts_at} and {window.ends_at} instead")
    return IncidentInput(maintenance=window)
