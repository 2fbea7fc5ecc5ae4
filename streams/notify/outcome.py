"""How an attempt to tell a receiver ended."""

from dataclasses import dataclass
from typing import Protocol

from tracehound.streams.notify.notice import Notice


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has taken the message."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It has not; ``reason`` is a sentence. ``retry``: it may yet, but not before ``after_s`` seconds from now."""

    reason: str
    retry: bool
    after_s: float = 0.0


Outcome = Delivered | Failed


class Receiver(Protocol):
    """Whoever is told, reached in one way."""

    async def tell(self, notice: Notice) -> Outcome:
        """Try once to send a message. Never raises for what the other side does."""
        ...

    def remember(self, notice: Notice) -> None:
        """Know of a message that was sent before this process started; sends nothing."""
        ...

    def forget(self, partition: int) -> None:
        """Others see to the incidents of this partition from now on."""
        ...

    async def close(self) -> None:
        """Let go of connections; nothing is sent any more."""
        ...


class WithoutMemory:
    """Base of receivers that need not know what was sent before."""

    def remember(self, notice: Notice) -> None:
        """See ``Receiver``."""

    def forget(self, partition: int) -> None:
        """See ``Receiver``."""
