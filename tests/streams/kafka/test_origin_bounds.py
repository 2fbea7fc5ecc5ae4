"""Origins are believed where their topic, by its id, holds the record that they name."""

import asyncio
from collections.abc import Sequence

from aiokafka import ConsumerRecord

from tests.virtual_time import run_in_virtual_time
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.kafka.columned_records import ColumnedRecords
from tracehound.streams.kafka.forwarding import Origin, OriginTopic, origin_headers
from tracehound.streams.kafka.origin_bounds import OriginBounds
from tracehound.streams.kafka.origin_columns import OriginReader


class Cluster(KafkaClients):
    """Every topic has this id; nobody answers so many times."""

    def __init__(self, id_of_all: str) -> None:
        self.id_of_all = id_of_all
        self.ids_asked = 0
        self.away = 0

    async def answered(self) -> bool:
        self.away -= 1
        return self.away < 0

    async def topic_id(self, topic: str) -> str:
        self.ids_asked += 1
        return self.id_of_all


class Bounds(OriginBounds):
    """Asks nobody: topics have the ids and ends that are given, or cannot be asked."""

    def __init__(self, topic_id: str, ends: dict[str, int] | None) -> None:
        self.cluster = Cluster(topic_id)
        super().__init__(self.cluster, {"e": OriginTopic(2), "s": OriginTopic(2, per_offset=1_000)})
        self.ends = ends
        self.asked: list[str] = []

    async def _ends(self, topic: str) -> dict[int, int]:
        self.asked.append(topic)
        if self.ends is None or self.cluster.away > 0:
            raise OSError("nobody answers")
        return dict.fromkeys((0, 1), self.ends[topic])

    def asked_of(self, *origins: Origin) -> list[bool]:
        """Which of these are believed, after a look at records that name them, one by one as well as together."""
        records = [record(origin) for origin in origins]
        asyncio.run(self.look(records))
        columns = OriginReader({"e", "s"}, 2).read(ColumnedRecords.of(records))
        found = [self.believes(origin) for origin in origins]
        assert self.believed(columns).tolist() == found
        return found


def record(origin: Origin | None) -> ConsumerRecord:
    headers: Sequence[tuple[str, bytes]] = ()
    if origin is not None:
        headers = origin_headers((), origin.topic, origin.partition, origin.offset, origin.topic_id)
    return ConsumerRecord("e", 0, 0, 0, 0, None, b"", None, -1, -1, headers)


def test_what_its_topic_holds_is_believed_and_what_lies_beyond_is_not() -> None:
    bounds = Bounds("now", {"e": 7, "s": 7})
    found = bounds.asked_of(Origin("e", 0, 6), Origin("e", 0, 7), Origin("s", 1, 6_999), Origin("s", 1, 7_000))
    assert found == [True, False, True, False]


def test_an_origin_in_a_topic_that_was_made_anew_or_in_another_cluster_is_none() -> None:
    bounds = Bounds("now", {"e": 7, "s": 7})
    assert bounds.asked_of(Origin("e", 0, 3, "before"), Origin("e", 0, 3, "now"), Origin("e", 0, 3)) == [
        False,
        True,
        True,
    ]


def test_a_topic_that_was_made_anew_is_believed_at_once_and_forged_ids_are_asked_about_a_few_times() -> None:
    bounds = Bounds("now", {"e": 7, "s": 7})
    assert bounds.asked_of(Origin("e", 0, 3, "now")) == [True]
    bounds.cluster.id_of_all = "anew"
    assert bounds.asked_of(Origin("e", 0, 3, "anew")) == [True]
    asked = bounds.cluster.ids_asked
    for number in range(50):
        assert bounds.asked_of(Origin("e", 0, 3, f"forged {number % 25}")) == [False]
    assert bounds.cluster.ids_asked <= asked + 8
    assert bounds.asked_of(Origin("e", 0, 3, "anew")) == [True]


def test_topics_are_asked_about_only_where_something_is_not_known() -> None:
    bounds = Bounds("now", {"e": 7, "s": 7})
    bounds.asked_of(Origin("e", 0, 3))
    bounds.asked_of(Origin("e", 1, 4))
    asyncio.run(bounds.look([record(None)]))
    assert bounds.asked == ["e"]
    bounds.ends = {"e": 9, "s": 7}
    assert bounds.asked_of(Origin("e", 1, 8)) == [True]
    assert bounds.asked == ["e", "e"]


def test_while_nobody_answers_at_all_it_is_waited_for() -> None:
    bounds = Bounds("now", {"e": 7, "s": 7})
    bounds.cluster.away = 3
    run_in_virtual_time(bounds.look([record(Origin("e", 0, 6))]))
    assert bounds.believes(Origin("e", 0, 6))
    assert bounds.asked == ["e", "e"]


def test_where_how_far_a_topic_goes_cannot_be_asked_nothing_is_believed_and_nobody_is_asked_each_time() -> None:
    bounds = Bounds("now", None)
    assert bounds.asked_of(Origin("e", 0, 3)) == [False]
    assert bounds.asked == ["e", "e"]  # once more after somebody answered
    assert bounds.asked_of(Origin("e", 0, 3)) == [False]
    assert bounds.asked == ["e", "e"]
