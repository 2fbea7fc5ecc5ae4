"""Messages that were given up, and records that are no incidents, on their way to the dead letters."""

from prometheus_client import Counter

from tracehound.schemas.dead_letter import DeadLetter
from tracehound.streams.kafka.publisher import Outgoing, Publisher
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.partition import undelivered


class DeadLetters:
    """Sends dead letters, and counts them."""

    def __init__(self, publisher: Publisher, topic: str, counter: Counter) -> None:
        self._publisher = publisher
        self._topic = topic
        self._counter = counter

    async def bury(self, letter: DeadLetter) -> None:
        """Send a dead letter; returns once it is safe."""
        self._counter.labels(error=letter.error).inc()
        await self._publisher.publish(Outgoing(self._topic, letter.key, letter.value, letter.wire_headers()))

    async def bury_notice(self, notice: Notice, reason: str) -> None:
        """Send the dead letter of a message that was given up for a reason, one sentence."""
        await self.bury(undelivered(notice, reason))
