from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.intake.conftest import BUFFERS, Log, rules_of, written
from tracehound.schemas.join_checkpoint import JoinCheckpoint, pack_checkpoint, unpack_checkpoint
from tracehound.schemas.spans import SpanBatch, Tick
from tracehound.streams.intake.join_rules import CLOSE_REASONS, JoinRules
from tracehound.streams.intake.partition_join import Joined, PartitionJoin
from tracehound.streams.kafka.extent import Extent

CALL_INTERVAL_MS = 20

_encode = msgspec.msgpack.Encoder().encode


def shown(joined: Joined | None) -> bytes:
    """All that a record led to."""
    if joined is None:
        return b"before"
    closings = [
        (one.trace_id, one.reason, one.late, one.spans, one.assembled.orphans, one.cyclic, one.unreadable)
        for one in joined.closings
    ]
    return _encode((closings, joined.executions, joined.graphs))


def fed(join: PartitionJoin, log: Log) -> dict[int, bytes]:
    """What each record led to; nothing for those from before."""
    led_to: dict[int, bytes] = {}
    for offset, value in log:
        is_new = offset >= join.next and offset >= join.buffer.position
        try:
            joined = join.take(offset, value)
        except ValueError as error:
            assert is_new
            led_to[offset] = str(error).encode()
            continue
        assert (joined is None) is not is_new
        if joined is not None:
            led_to[offset] = shown(joined)
    return led_to


@dataclass
class Uninterrupted:
    """What came of a log, and what was kept after each of its records."""

    join: PartitionJoin
    led_to: dict[int, bytes]
    kept: list[list[bytes]]

    @classmethod
    def of(cls, log: Log, rules: JoinRules) -> "Uninterrupted":
        join = PartitionJoin(3, rules, CALL_INTERVAL_MS)
        led_to: dict[int, bytes] = {}
        kept = [packed(join)]
        for entry in log:
            led_to |= fed(join, [entry])
            kept.append(packed(join))
        return cls(join, led_to, kept)


def packed(join: PartitionJoin) -> list[bytes]:
    checkpoint = join.checkpoint()
    assert checkpoint is not None
    return pack_checkpoint(3, checkpoint)


def unpacked(kept: list[bytes]) -> JoinCheckpoint:
    checkpoint, problems = unpack_checkpoint(3, kept)
    assert checkpoint is not None
    assert problems == []
    return checkpoint


def held(join: PartitionJoin) -> tuple[int, int, int]:
    return join.buffer.bytes, join.buffer.long_bytes, join.buffer.spans


LOGS = st.lists(st.integers(0, 2**32 - 1), min_size=10, max_size=70)


def test_a_step_that_goes_by_with_the_record_that_changes_a_trace_is_looked_at_after_a_restart_and_without() -> None:
    """A log that was found by chance: its last record moves the watermark over a step and adds to an open trace."""
    log, rules = written([1855613, 2, 629, 0, 0, 0, 0, 0, 288, 288, 629, 708, 22709]).log, rules_of(6_000)
    whole = Uninterrupted.of(log, rules)
    for kept in whole.kept:
        checkpoint = unpacked(kept)
        join = PartitionJoin(3, rules, CALL_INTERVAL_MS, checkpoint)
        led_to = fed(join, [entry for entry in log if entry[0] >= checkpoint.low])
        assert led_to == {offset: one for offset, one in whole.led_to.items() if offset >= checkpoint.position}


@settings(max_examples=600, deadline=None)
@given(LOGS, st.sampled_from(BUFFERS), st.randoms(use_true_random=False))
def test_a_join_that_goes_on_from_a_checkpoint_emits_what_an_uninterrupted_one_does(
    numbers: list[int], buffer_bytes: int, random: Random
) -> None:
    log, rules = written(numbers).log, rules_of(buffer_bytes)
    whole = Uninterrupted.of(log, rules)
    for _ in range(4):
        crash = random.randint(0, len(log))
        checkpoint = unpacked(whole.kept[crash])
        first_needed = sum(offset < checkpoint.low for offset, _ in log)
        begin = random.randint(0, first_needed)
        read: Log = []
        for index in range(begin, len(log)):
            read.append(log[index])
            if random.random() < 0.1:  # someone reads again what was read
                read += log[max(begin, index - random.randint(0, 8)) : index + 1]

        join = PartitionJoin(3, rules, CALL_INTERVAL_MS, checkpoint)
        led_to = fed(join, read)

        assert led_to == {offset: one for offset, one in whole.led_to.items() if offset >= checkpoint.position}
        if join.next >= checkpoint.position:
            assert unpacked(packed(join)) == unpacked(whole.kept[-1])
            assert held(join) == held(whole.join)


@settings(max_examples=150, deadline=None)
@given(LOGS, st.sampled_from(BUFFERS), st.randoms(use_true_random=False))
def test_crashes_after_crashes_change_nothing(numbers: list[int], buffer_bytes: int, random: Random) -> None:
    log, rules = written(numbers).log, rules_of(buffer_bytes)
    whole = Uninterrupted.of(log, rules)
    led_to: dict[int, bytes] = {}
    kept, done = whole.kept[0], 0
    while done < len(log):
        crash = random.randint(done, min(len(log), done + 15))
        checkpoint = unpacked(kept)
        join = PartitionJoin(3, rules, CALL_INTERVAL_MS, checkpoint)
        for entry in log[:crash]:
            again = fed(join, [entry])
            assert all(led_to.get(offset, one) == one for offset, one in again.items())
            led_to |= again
            if join.checkpoint() is not None and random.random() < 0.3:
                kept = packed(join)
        done = max(crash, done + 1)
    join = PartitionJoin(3, rules, CALL_INTERVAL_MS, unpacked(kept))
    led_to |= fed(join, log)

    assert led_to == whole.led_to
    assert unpacked(packed(join)) == unpacked(whole.kept[-1])


@settings(max_examples=200, deadline=None)
@given(LOGS, st.sampled_from(BUFFERS))
def test_every_span_that_was_taken_is_of_one_trace_closed_or_open(numbers: list[int], buffer_bytes: int) -> None:
    writer = written(numbers)
    join = PartitionJoin(3, rules_of(buffer_bytes), CALL_INTERVAL_MS)
    closed = 0
    for offset, value in writer.log:
        try:
            joined = join.take(offset, value)
        except ValueError:
            continue
        assert joined is not None
        closed += sum(closing.spans for closing in joined.closings)
        assert join.buffer.bytes <= buffer_bytes
        assert join.buffer.long_bytes <= rules_of(buffer_bytes).long_bytes

    assert closed + join.buffer.spans == writer.taken_spans


COLUMNS: dict[str, Callable[[JoinCheckpoint], dict[str, Any]]] = {
    "exceptions": lambda _: {"exceptions": []},
    "closed": lambda _: dict.fromkeys(
        ["closed", "closed_offsets", "closed_watermarks_ms", "closed_counts", "closed_marks"], b""
    ),
    "told": lambda _: {"told": []},
    "long": lambda _: {"long": []},
    "peers": lambda _: {"peers": []},
    "closed_marks": lambda _: dict.fromkeys(["closed_counts", "closed_marks"], b""),
    "sources": lambda _: {"sources": []},
    "now_ms": lambda _: {"now_ms": 0},
    "watermark_ms": lambda _: {"watermark_ms": None},
    "low": lambda checkpoint: {"low": checkpoint.position},
    "calls": lambda _: {"calls": []},
    "calls_told_ms": lambda _: {"calls_told_ms": 0},
}


@pytest.mark.parametrize("column", COLUMNS)
def test_without_any_one_column_of_the_checkpoint_the_join_would_go_astray(column: str) -> None:
    """Also shows that the logs reach what each column is for."""
    for seed in range(300):
        random = Random(seed)
        rules = rules_of(random.choice(BUFFERS))
        log = written([random.randrange(2**32) for _ in range(60)]).log
        whole = Uninterrupted.of(log, rules)
        checkpoint = unpacked(whole.kept[random.randint(0, len(log))])
        broken = msgspec.structs.replace(checkpoint, **COLUMNS[column](checkpoint))
        led_to = fed(PartitionJoin(3, rules, CALL_INTERVAL_MS, broken), log)
        if led_to != {offset: one for offset, one in whole.led_to.items() if offset >= checkpoint.position}:
            return
    pytest.fail(f"The column {column!r} made no difference.")


def test_the_logs_hold_all_that_can_happen() -> None:
    reasons: set[str] = set()
    happened: set[str] = set()
    for seed in range(40):
        random = Random(seed)
        log = written([random.randrange(2**32) for _ in range(60)]).log
        join = PartitionJoin(3, rules_of(BUFFERS[seed % len(BUFFERS)]), CALL_INTERVAL_MS)
        for offset, value in log:
            try:
                joined = join.take(offset, value)
            except ValueError:
                happened.add("garbage")
                continue
            assert joined is not None
            happened |= {"graphs"} if joined.graphs else set()
            for closing in joined.closings:
                reasons.add(closing.reason)
                happened |= {"late"} if closing.late else set()
                happened |= {"cyclic"} if closing.cyclic else set()
                happened |= {"unreadable"} if closing.unreadable else set()
                happened |= {"orphans"} if closing.assembled.orphans else set()
                happened |= {"linked"} if len(closing.assembled.executions) > 1 else set()

    assert reasons == {*CLOSE_REASONS, "running"}
    assert happened == {"garbage", "graphs", "late", "cyclic", "unreadable", "orphans", "linked"}


TOO_LARGE = (
    SpanBatch(("spans", 0), 2**63, 0, []),
    SpanBatch(("spans", 0), 0, 2**63, []),
    Tick(-(2**63), []),
    Tick(0, [("spans", 0, 2**64 - 1)]),
)
"""What is kept of them could not be stored."""


@pytest.mark.parametrize(
    "value",
    [
        *(None, b"", b"\xc1", b"\x91" * 100_000, b"\x93\xa4tick\x01\x91\x93\xa1\xff\x00\x00"),
        *map(msgspec.msgpack.encode, TOO_LARGE),
    ],
)
def test_a_record_of_something_else_is_passed_over(value: bytes | None) -> None:
    join = PartitionJoin(3, rules_of(1_000_000), CALL_INTERVAL_MS, begin=5)

    with pytest.raises(ValueError, match=r"^A record of the spans topic must be a SpanBatch or Tick: "):
        join.take(5, value)

    checkpoint = join.checkpoint()
    assert checkpoint is not None
    assert (checkpoint.position, checkpoint.low, join.next) == (6, 6, 6)
    assert join.take(5, value) is None


def test_there_is_no_checkpoint_before_the_last_is_caught_up_with() -> None:
    log = written(range(40)).log
    whole = Uninterrupted.of(log, rules_of(1_000_000))
    kept = next(kept for kept in reversed(whole.kept) if unpacked(kept).low < unpacked(kept).position)
    checkpoint = unpacked(kept)

    join = PartitionJoin(3, rules_of(1_000_000), CALL_INTERVAL_MS, checkpoint)

    assert (join.restored_low, join.next) == (checkpoint.low, checkpoint.low)
    for offset, value in log:
        assert (join.checkpoint() is None) is (join.next < checkpoint.position)
        fed(join, [(offset, value)])
    assert join.checkpoint() is not None


def test_a_checkpoint_whose_columns_do_not_fit_is_refused() -> None:
    checkpoint = unpacked(Uninterrupted.of([], rules_of(1_000_000)).kept[0])
    checkpoint.closed = b"12345678"

    with pytest.raises(ValueError):
        PartitionJoin(3, rules_of(1_000_000), CALL_INTERVAL_MS, checkpoint)


@pytest.mark.parametrize(
    ("position", "topic_id", "sentence"),
    [(2**62, "now", "a position up to its end, 9"), (5, "before", "the topic was made anew")],
)
def test_a_checkpoint_of_what_the_topic_does_not_hold_is_not_believed(
    position: int, topic_id: str, sentence: str
) -> None:
    kept = JoinCheckpoint(position, position, 0, None, [], [], [], b"", b"", b"", 0, [], topic_id=topic_id)
    extent = Extent("now", {3: 9})
    with pytest.raises(ValueError, match=sentence):
        PartitionJoin(3, rules_of(1_000_000), CALL_INTERVAL_MS, kept, extent=extent)
    join = PartitionJoin(3, rules_of(1_000_000), CALL_INTERVAL_MS, extent=extent)
    assert join.take(5, msgspec.msgpack.encode(Tick(1, []))) is not None
    again = join.checkpoint()
    assert again is not None
    assert again.topic_id == "now"
