"""What the scoring agent cannot use or does not own: buried, or forwarded and learned once."""

import asyncio
import json

from tests.streams.scoring.scoring_work import RIGHT, TOPICS, WRONG, Work, execution, run
from tracehound.streams.kafka.forwarding import origin_headers
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.kafka.runs.run import Run


def test_bad_records_become_dead_letters_and_good_neighbours_are_learned(work: Work) -> None:
    async def test() -> None:
        array = b"[" + execution(1) + b"," + execution(2, duration_ms=-1) + b"," + execution(3) + b"]"
        bad = [None, b"\xff", b"{", execution(0, application=7), b'{"application":"shop"}', array]
        one = work.run_of([*bad, execution(4)], key=b"k", headers=[("mine", b"1")])
        await work.take(one)
        await work.delivery.idle()
        letters = work.publisher.topic(TOPICS.dead_letters.name)
        said = [(dict(letter.headers)["tracehound_stage"], letter.value) for letter in letters]
        refused = b"[" + execution(2, duration_ms=-1) + b"]"
        assert said == [
            (b"decode", None),
            (b"decode", b"\xff"),
            (b"decode", b"{"),
            (b"validate", bad[3]),
            (b"validate", bad[4]),
            (b"validate", refused),
        ]
        assert all(letter.key == b"k" and dict(letter.headers)["mine"] == b"1" for letter in letters)
        assert [int(dict(letter.headers)["tracehound_offset"]) for letter in letters] == list(range(6))
        assert work.scorer.learned[("shop", "")] == ["1", "3", "4"]
        assert work.counted("dead_letters_total", error="InvalidJson") == 1
        await work.save()
        assert one.acked

    run(test())


def test_an_execution_that_cannot_be_scored_is_buried_and_its_neighbours_are_not(work: Work) -> None:
    async def test() -> None:
        values = [execution(n, operation="RAISE" if n == 3 else "GET /") for n in range(6)]
        one = work.run_of(values)
        await work.take(one)
        await work.delivery.idle()
        (letter,) = work.publisher.topic(TOPICS.dead_letters.name)
        headers = dict(letter.headers)
        assert headers["tracehound_stage"] == b"score"
        assert headers["tracehound_error"] == b"ArithmeticError"
        assert headers["tracehound_offset"] == b"3"
        assert json.loads(letter.value)["trace_id"] == "3"
        assert work.scorer.learned[("shop", "")] == ["0", "1", "2", "4", "5"]
        assert (work.went_back, work.counted("scoring_begun_anew_total")) == (1, 1)
        await work.save()
        assert all(run.acked for run in work.runs)

    run(test())


def test_a_record_on_the_wrong_partition_is_forwarded_as_it_came(work: Work) -> None:
    async def test() -> None:
        value = b"[" + execution(1) + b",{}]"
        one = work.run_of([value], partition=WRONG, start=7, key=b"wrong", headers=[("mine", b"1")])
        await work.take(one)
        await work.delivery.idle()
        (sent,) = work.publisher.sent
        assert (sent.topic, sent.partition, sent.key, sent.value) == (TOPICS.executions.name, RIGHT, b"shop", value)
        assert sent.timestamp_ms == 1_767_225_600_000
        assert dict(sent.headers) == {
            "mine": b"1",
            "tracehound_origin_topic": TOPICS.executions.name.encode(),
            "tracehound_origin_partition": str(WRONG).encode(),
            "tracehound_origin_offset": b"7",
        }
        assert work.scorer.learned == {}
        assert work.counted("forwarded_total") == 1
        assert one.acked

    run(test())


def test_a_forwarded_record_is_learned_once(work: Work) -> None:
    async def test() -> None:
        def forwarded(origin: int, at: int) -> Run:
            headers = origin_headers([], TOPICS.executions.name, WRONG, origin)
            return work.run_of([execution(origin)], start=at, headers=headers)

        again = forwarded(6, 12)
        await work.take(forwarded(5, 10), forwarded(6, 11), again, forwarded(5, 13), forwarded(7, 14))
        assert work.scorer.learned[("shop", "")] == ["5", "6", "7"]
        assert work.counted("duplicates_skipped_total") == 2
        await work.save()
        assert again.acked

    run(test())


def test_what_intake_emits_again_is_learned_once(work: Work) -> None:
    """A replaying intake writes the same executions at new offsets; each partition of spans counts for itself."""

    async def test() -> None:
        def emitted(spans_partition: int, sequence: int, number: int, at: int) -> Run:
            headers = origin_headers([], TOPICS.spans.name, spans_partition, sequence)
            return work.run_of([execution(number)], start=at, headers=headers)

        direct = work.run_of([execution(9)], start=25)
        await work.take(
            emitted(0, 7_000_000, 1, 20),
            emitted(1, 5_000_000, 2, 21),
            emitted(0, 7_000_001, 3, 22),
            emitted(0, 7_000_000, 1, 23),
            emitted(0, 7_000_001, 3, 24),
            direct,
            emitted(1, 6_000_000, 4, 26),
        )
        assert work.scorer.learned[("shop", "")] == ["1", "2", "3", "9", "4"]
        assert work.counted("duplicates_skipped_total") == 2

    run(test())


def test_a_forwarded_record_that_is_wrong_again_is_buried(work: Work) -> None:
    async def test() -> None:
        headers = origin_headers([("mine", b"1")], TOPICS.executions.name, RIGHT, 5)
        await work.take(work.run_of([execution()], partition=WRONG, headers=headers))
        await work.delivery.idle()
        (letter,) = work.publisher.sent
        assert letter.topic == TOPICS.dead_letters.name
        assert dict(letter.headers)["tracehound_error"] == b"ForwardedTwice"
        assert [name for name, _ in letter.headers if "origin" in name] == []

    run(test())


def test_what_the_broker_refuses_becomes_a_dead_letter_cut_short(work: Work) -> None:
    async def test() -> None:
        work.publisher.limit = 70_000
        value = b"x" * 200_000
        one = work.run_of([value, execution(duration_ms=20_000, application="a" * 200)], key=b"k")
        await work.take(one)
        await work.delivery.idle()
        letters = work.publisher.topic(TOPICS.dead_letters.name)
        cut = next(letter for letter in letters if letter.value.startswith(b"xxx"))
        assert dict(cut.headers)["tracehound_truncated_from_bytes"] == b"200000"
        assert dict(cut.headers)["tracehound_error"] == b"InvalidJson"
        assert len(cut.value) == 65_536
        await work.save()
        assert one.acked
        assert work.failures == []

    run(test())


def test_a_failure_of_delivery_is_reported(work: Work) -> None:
    async def test() -> None:
        error = RuntimeError("closed")

        send = work.publisher.publish

        async def publish(outgoing: Outgoing) -> None:
            if outgoing.topic in (TOPICS.anomalies.name, TOPICS.incident_input.name):
                raise error
            await send(outgoing)

        work.publisher.publish = publish
        one = work.run_of([execution(duration_ms=20_000)])
        await work.take(one)
        await work.delivery.idle()
        await asyncio.sleep(0)
        assert work.failures == [error]
        await work.scoring.finish_runs()
        await work.scoring.save(0.05)
        assert not one.acked
        assert work.publisher.sent == []

    run(test())
