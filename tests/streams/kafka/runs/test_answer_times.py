"""An answer is no younger than its request and the time that the broker may wait, whenever it is read."""

import asyncio
import time
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from faust.types import TP

from tracehound.streams.kafka.runs.answer_times import AnswerTimes

OWN, OTHER = TP("spans", 1), TP("spans", 2)


class Client:
    """Answers once its clock has gone on by so much, as that of a process which was stopped meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, taken_s: float) -> None:
        self._now_s, self._taken_s = 1_000.0, taken_s
        monkeypatch.setattr(time, "time", lambda: self._now_s)

    async def send(self, node_id: int, request: Any, *, group: int = 0) -> tuple[int, Any, int]:
        self._now_s += self._taken_s
        return node_id, request, group


@pytest.mark.parametrize(("taken_s", "latest_ms"), [(0.02, 1_000_020), (0.5, 1_000_500), (9.0, 1_000_500)])
def test_an_answer_that_was_read_late_is_dated_by_its_request(
    monkeypatch: pytest.MonkeyPatch, taken_s: float, latest_ms: int
) -> None:
    client, answers = Client(monkeypatch, taken_s), AnswerTimes()
    answers.watch(client)
    request = FetchRequest(500, 1, 1_000_000, 1, [("spans", [(1, 7, 1_000)])])
    assert asyncio.run(client.send(3, request)) == (3, request, 0)
    read_ms = int(time.time() * 1000)
    assert answers.bounded(OWN, read_ms) == latest_ms
    assert answers.bounded(OTHER, read_ms) == read_ms  # nothing was asked of it


def test_other_requests_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    client, answers = Client(monkeypatch, 9.0), AnswerTimes()
    answers.watch(client)
    request = MetadataRequest(["spans"])
    assert asyncio.run(client.send(3, request, group=1)) == (3, request, 1)
    assert answers.bounded(OWN, 1_009_000) == 1_009_000
