"""What any way of sending promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch.

    Attributes:
        sent: executions that are in Kafka.
        refused: executions that are wrong, or that nobody may send; sending them again would not help.
        trouble: why not all were sent, in one sentence; empty where all were.
        again_in_s: seconds after which to send the whole batch again; None where it is done with. 0 leaves it to the
            sender.
    """

    sent: int = 0
    refused: int = 0
    trouble: str = ""
    again_in_s: float | None = None


class Transport(Protocol):
    """Sends batches; called by one thread at a time, in the background."""

    def send(self, application: str, batch: Sequence[bytes]) -> Outcome:
        """Send executions of one application, each encoded as JSON, and wait for what becomes of them."""
        ...

    def close(self) -> None:
        """Give back what is open; nothing is sent afterwards."""
        ...

    def left_behind(self) -> None:
        """This process was forked from one in which this transport may have been in use: forget what was open."""
        ...
