"""Whatever order the spans of real tracers come in, and however often, their executions come out once and the same."""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracers.recorded import PARTLY, WHOLE, executions_of_case, one_by_one
from tracehound.schemas.spans import SpanBatch, Tick, TraceChunk
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.trace_buffer import TraceBuffer

SOURCE = ("otlp_spans", 0)
CASES = [*WHOLE, *PARTLY]


class Topic:
    """Records of one source, as they come; everything that the join makes of them."""

    def __init__(self) -> None:
        self.made: list[bytes] = []
        self.now_ms = 1_000_000
        self.repeated = 0
        self._buffer = TraceBuffer(JoinRules())
        self._sequence = 0

    def send(self, spans: list[tuple[str, TraceChunk]]) -> None:
        self._sequence += 1
        pieces = [(trace_id, len(chunk), msgspec.Raw(msgspec.msgpack.encode(chunk))) for trace_id, chunk in spans]
        self._take(SpanBatch(SOURCE, self._sequence, self.now_ms, pieces))

    def wait(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)
        self._take(Tick(self.now_ms, [(*SOURCE, self.now_ms)]))

    def _take(self, record: SpanBatch | Tick) -> None:
        for closing in self._buffer.take(self._buffer.position, record):
            assert not closing.cyclic
            self.repeated += closing.assembled.repeated
            self.made += map(msgspec.msgpack.encode, closing.assembled.executions)


def pieces(case: str) -> list[tuple[str, TraceChunk]]:
    return [(trace_id, TraceChunk([(resource, [span])])) for trace_id, resource, span in one_by_one(case)]


def whole(case: str) -> list[bytes]:
    return sorted(map(msgspec.msgpack.encode, executions_of_case(case)))


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_batch_that_is_sent_again_counts_once(case: str, random: Random) -> None:
    topic, spans = Topic(), pieces(case)
    random.shuffle(spans)
    topic.send(spans)
    topic.wait(random.choice([0, 5, 15, 30]))
    again = [one for one in pieces(case) if random.random() < 0.7]
    random.shuffle(again)
    topic.send(again)
    topic.wait(40)
    topic.send(pieces(case)[::-1])  # once more, while what came late is remembered
    topic.wait(1_000)

    assert sorted(topic.made) == whole(case)
    assert topic.repeated > 0


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_what_comes_within_the_wait_may_come_in_any_order(case: str, random: Random) -> None:
    topic, spans = Topic(), pieces(case)
    random.shuffle(spans)
    while spans:
        size = random.randint(1, len(spans))
        topic.send(spans[:size])
        spans = spans[size:]
        topic.wait(random.choice([0, 0.2, 1]) * (topic.now_ms < 1_000_000 + 8_000))
    topic.wait(2_000)

    assert sorted(topic.made) == whole(case)
