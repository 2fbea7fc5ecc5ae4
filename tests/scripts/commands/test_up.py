"""What `up` reads of several topics is printed in the order of cause and effect."""

import io
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec
from rich.console import Console

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.codec import encode
from tracehound.schemas.progress import Progress
from tracehound.scripts.commands.up import Echo
from tracehound.streams.settings.settings import Settings


class Message(NamedTuple):
    topic: str
    value: bytes
    offset: int = 7


class Reader:
    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = [*messages, None]

    def from_now_on(self, topic: str) -> list[str]:
        return [topic]

    def start(self, positions: Iterable[str]) -> None:
        assert len(set(positions)) == 5

    def poll(self, timeout_s: float) -> Message | None:
        return self._messages.pop(0)


def test_what_comes_together_is_in_order_and_what_is_none_of_ours_is_said(
    make_anomaly: Callable[..., AnomalyEvent],
) -> None:
    topics = Settings().topics
    scored = Progress("shop", "", "2026-01-01T00:00:00Z", 1, 0, 0, {"GET /": 1})
    reader: Any = Reader(
        [
            Message(topics.anomalies.name, encode(make_anomaly("shop", "latency", 1.0, id="0123456789"))),
            Message(topics.models.name, b"{"),
            Message(topics.progress.name, msgspec.json.encode(scored)),
        ]
    )
    file = io.StringIO()
    Echo(reader, Settings(), Console(file=file, width=200)).take(0.0)
    lines = file.getvalue().splitlines()

    assert "arrived  shop GET /: new, 1 execution" in lines[0]
    assert lines[1] == f"Record 7 of {topics.models.name} is none of ours; passed over."
    assert "anomaly  01234567 minor shop GET /: It is slow." in lines[2]
