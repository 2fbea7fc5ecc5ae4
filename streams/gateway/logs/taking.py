"""Sends the log events of a request to Kafka, whatever protocol they came by."""

from collections.abc import Sequence

from tracehound.schemas.log_event import LogEvent
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.http.sending import Record, Sender
from tracehound.streams.intake.logs.records import complete, log_records


class LogTaker:
    """Takes checked log events.

    Parameters:
        topic: of log events.
        application: whose those are that say none.
        sender: sends records.
        metrics: what was taken is counted in.
    """

    def __init__(self, topic: str, application: str, sender: Sender, metrics: GatewayMetrics) -> None:
        self._topic, self._application = topic, application
        self._sender, self._metrics = sender, metrics

    async def take(self, events: Sequence[LogEvent], refused: int, path: str) -> list[str]:
        """Return the events' ids, in their order, once Kafka has acknowledged all; ``refused`` is counted beside them.

        Raises:
            RequestRefusedError: nothing of it counts as accepted.
        """
        self._metrics.refused_items.labels(path=path).inc(refused)
        complete(events, self._application)
        records = [Record(self._topic, name.encode(), value) for name, value in log_records(events)]
        await self._sender.send(records)
        self._metrics.records.labels(topic=self._topic).inc(len(records))
        self._metrics.accepted.labels(path=path).inc(len(events))
        return [event.id for event in events]
