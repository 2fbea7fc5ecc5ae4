"""Seeks of the consumer while its group rebalances."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

from aiokafka import ConsumerRecord
from aiokafka.errors import IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.types import TP

from tracehound.streams.kafka.runs.consumer import RunConsumer
from tracehound.streams.kafka.runs.handover import Handover
from tracehound.streams.kafka.runs.read_topics import ReadTopics

PLACE, OTHER = TP("executions", 0), TP("executions", 1)


class RevokedThread:
    """Nothing is committed of a partition, which is another's by the time that its start is sought."""

    async def getmany(self, active: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 (Faust's name)
        raise NoOffsetForPartitionError(PLACE)

    async def seek_to_beginning(self, *partitions: Any) -> None:
        raise IllegalStateError(f"Partitions {partitions} are not assigned")


class EmptyThread:
    """Nothing is committed of a partition; ``at_start`` is called once its start was sought."""

    def __init__(self, at_start: Callable[[], None]) -> None:
        self.at_start = at_start

    async def getmany(self, active: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 (Faust's name)
        raise NoOffsetForPartitionError(PLACE)

    async def seek_to_beginning(self, *partitions: Any) -> None:
        self.at_start()


class LateThread:
    """Asks for what its partition does not hold; before it is told so, the partition is sought anew."""

    def __init__(self, handover: Handover) -> None:
        self.handover = handover

    async def getmany(self, active: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 (Faust's name)
        self.handover.go_back_to(None, 0.0)
        raise OffsetOutOfRangeError({PLACE: 3})


class NewTopic:
    """A topic of five records in each partition, made a moment ago; as an app: notes what it is told."""

    def __init__(self) -> None:
        self.id = "before"
        self.run_topics = {PLACE.topic}
        self.lost: list[tuple[TP, int, int]] = []

    async def topic_id(self, topic: str) -> str:
        return self.id

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        self.lost.append((tp, wanted, resumed_at))

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, 0)

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, 5)

    def assignment(self) -> set[TP]:
        return set()


class SlowThread:
    """Nothing is committed of two partitions; the start of one is soon found, and that of the other never."""

    def __init__(self) -> None:
        self.found = asyncio.Event()

    async def seek_to_committed(self) -> dict[TP, int | None]:
        return {PLACE: None, OTHER: None}

    def assignment(self) -> set[TP]:
        return {PLACE, OTHER}

    async def seek_to_beginning(self, *partitions: TP) -> None:
        if partitions == (PLACE,):
            self.found.set()
        else:
            await asyncio.Event().wait()


class AskedThread:
    """What is committed of a partition, as it is each time that it is asked for, and what happens right after that."""

    def __init__(self, *answers: int | None) -> None:
        self.answers = list(answers)
        self.then: Callable[[], None] = lambda: None

    async def seek_to_committed(self) -> dict[TP, int | None]:
        answer = {PLACE: self.answers.pop(0)}
        self.then()
        return answer

    def assignment(self) -> set[TP]:
        return set()


class FetchingConsumer(RunConsumer):
    """Gets two records with each fetch, as a client does that reads from what is committed by itself."""

    should_stop = False

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:  # noqa: ASYNC109 (Faust's name)
        records = [ConsumerRecord(*PLACE, offset, 0, 0, None, b"", None, -1, -1, ()) for offset in (50, 51)]
        return {PLACE: records}, {PLACE}

    def highwater(self, tp: TP) -> int:
        return 52


def test_nothing_is_handed_over_before_what_is_committed_was_sought() -> None:
    consumer: Any = object.__new__(FetchingConsumer)
    consumer.app = SimpleNamespace(run_topics={PLACE.topic}, consumer_generation_id=1, monitor=Mock())
    consumer._thread = Mock()
    consumer._thread.assignment.return_value = set()
    consumer._handovers, consumer._read_offset = defaultdict(Handover), {}
    consumer._buffered_partitions, consumer.flow_active = set(), True

    async def handed_over() -> list[int]:
        return [message.offset async for _, message in consumer.getmany(1.0)]

    assert asyncio.run(handed_over()) == []  # offset 49, say, was fetched before the rebalance was over, and dropped
    handover = consumer._handovers[PLACE]
    for committed in (50, None):  # none: the start is sought, and 50 is from where the fetcher stood before
        handover.go_back_to(committed, 0.0)
        assert asyncio.run(handed_over()) == []
        handover.end_seek(handover.seeks)
        assert asyncio.run(handed_over()) == [50]


def test_all_partitions_of_a_topic_that_was_made_anew_are_read_from_their_start() -> None:
    consumer: Any = object.__new__(RunConsumer)
    consumer.app = consumer._thread = topic = NewTopic()
    consumer._handovers, consumer._committed_offset = defaultdict(Handover), {}
    consumer._read_topics = ReadTopics(topic.topic_id)

    async def test() -> None:
        await consumer._read_topics.learn([PLACE.topic])
        assert not any(map(consumer._read_topics.is_of_another, (PLACE, OTHER)))
        topic.id = "after"
        await consumer._resume_after_loss(PLACE, 9)
        await consumer._resume_after_loss(OTHER, 9)
        await consumer._resume_after_loss(OTHER, 7)  # the brokers have lost the last records of the new one

    asyncio.run(test())
    assert topic.lost == [(PLACE, 9, 0), (OTHER, 9, 0), (OTHER, 7, 5)]


def test_a_partition_that_is_revoked_while_its_start_is_sought_is_left_to_others() -> None:
    consumer: Any = object.__new__(RunConsumer)
    consumer.app = topic = NewTopic()
    consumer._read_topics = ReadTopics(topic.topic_id)
    consumer._handovers, consumer._thread = defaultdict(Handover), RevokedThread()
    assert asyncio.run(consumer._getmany({PLACE}, 1.0)) == {}


def test_it_is_known_which_topic_is_read_before_a_partition_is_read_of_which_nothing_is_committed() -> None:
    consumer: Any = object.__new__(RunConsumer)
    consumer.app = topic = NewTopic()
    consumer._read_topics = ReadTopics(topic.topic_id)
    known: list[str] = []
    consumer._thread = EmptyThread(lambda: known.append(consumer.known_topic_id(PLACE.topic)))
    consumer._handovers = defaultdict(Handover)
    assert asyncio.run(consumer._getmany({PLACE}, 1.0)) == {}
    assert known == ["before"]


def test_what_was_out_of_range_before_a_seek_says_nothing_of_where_reading_goes_on_after_it() -> None:
    consumer: Any = object.__new__(RunConsumer)
    consumer._handovers = defaultdict(Handover)
    handover = consumer._handovers[PLACE]
    handover.go_back_to(3, 0.0)
    handover.end_seek(handover.seeks)
    consumer.app = topic = NewTopic()
    consumer._thread = LateThread(handover)
    consumer._thread.assignment = topic.assignment
    assert asyncio.run(consumer._getmany({PLACE}, 1.0)) == {}
    assert (handover.positioned, handover.next) == (True, None), "the start of a topic that was made anew"
    assert topic.lost == []


def test_who_reads_knows_where_reading_begins_before_any_partition_can_be_read() -> None:
    consumer: Any = object.__new__(RunConsumer)
    consumer._thread, told = SlowThread(), dict[TP, int | None]()
    consumer._handovers, consumer._committed_offset, consumer._read_offset = defaultdict(Handover), {}, {}
    consumer.app = SimpleNamespace(run_topics={PLACE.topic}, positioned=told.update)
    consumer._read_topics = ReadTopics(NewTopic().topic_id)

    async def test() -> None:
        seeking = asyncio.create_task(consumer.seek_to_committed())
        await consumer._thread.found.wait()  # its records may be handed over from here on
        assert told == {PLACE: None, OTHER: None}
        seeking.cancel()

    asyncio.run(test())


def seeking_consumer(topic: NewTopic, thread: AskedThread, told: list[dict[TP, int | None]]) -> Any:
    consumer: Any = object.__new__(RunConsumer)
    consumer._thread, consumer._read_offset = thread, {}
    consumer._handovers, consumer._committed_offset = defaultdict(Handover), defaultdict(lambda: None)
    consumer.app = SimpleNamespace(
        run_topics={PLACE.topic}, positioned=lambda committed: told.append(dict(committed)), offsets_lost=Mock()
    )
    consumer._read_topics = ReadTopics(topic.topic_id)
    return consumer


def test_an_offset_that_was_committed_of_a_topic_that_is_no_more_is_not_taken_for_one_of_the_new_topic() -> None:
    topic, told = NewTopic(), list[dict[TP, int | None]]()
    thread = AskedThread(97, 97, 97, None, None)
    consumer = seeking_consumer(topic, thread, told)

    async def test() -> None:
        await consumer.perform_seek()
        thread.then = lambda: setattr(topic, "id", "after")  # once 97 was answered, and before the id is
        await consumer.perform_seek()

    asyncio.run(test())
    assert told == [{PLACE: 97}, {PLACE: None}]
    assert consumer._handovers[PLACE].next is None, "at 97 reading would go on at the end: nothing says it is another's"
    consumer.app.offsets_lost.assert_called_once_with(PLACE, 0, 0)


def test_where_nothing_is_committed_any_more_any_offset_may_be_committed() -> None:
    told = list[dict[TP, int | None]]()
    consumer = seeking_consumer(NewTopic(), AskedThread(97, 97, None), told)

    async def test() -> None:
        await consumer.perform_seek()
        assert [consumer._should_commit(PLACE, offset) for offset in (3, 97, 98)] == [False, False, True]
        await consumer.perform_seek()
        assert [consumer._should_commit(PLACE, offset) for offset in (3, 97, 98)] == [True, True, True]

    asyncio.run(test())
    assert told == [{PLACE: 97}, {PLACE: None}]
