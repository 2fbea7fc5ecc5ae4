"""Settings of applications: used by whoever owns them, before it scores, told once, refused with the reason."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from aiokafka import ConsumerRecord
from faust.types import TP

from tests.streams.scoring.scoring_work import OTHER, RIGHT, TOPICS, WRONG, Work, run
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.by_settings import ScorerBySettings
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.application_settings import ApplicationSettings, settings_key
from tracehound.schemas.model_event import ModelEvent
from tracehound.streams.kafka.changelog import Page
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.scoring.settle_applications import Settling
from tracehound.streams.states.settled_applications import SettledApplications

TOPIC = TOPICS.settings.name
SHOP = ("shop", "prod")


def said(version: int, environment: str = "prod", application: str = "shop", **settings: float) -> ApplicationSettings:
    return ApplicationSettings(
        application=application, environment=environment, version=version, settings=settings, asked_at=float(version)
    )


def records(values: Sequence[Any], start: int = 0, partition: int = RIGHT) -> list[ConsumerRecord]:
    keys = [settings_key(one.key) if isinstance(one, ApplicationSettings) else settings_key(SHOP) for one in values]
    encoded = [msgspec.json.encode(one) if isinstance(one, ApplicationSettings) else one for one in values]
    return [
        ConsumerRecord(TOPIC, partition, start + n, 0, 0, key, value, None, -1, -1, ())
        for n, (key, value) in enumerate(zip(keys, encoded, strict=True))
    ]


class Topic:
    """What was written to the partitions of the topic."""

    def __init__(self) -> None:
        self.written: defaultdict[int, list[ConsumerRecord]] = defaultdict(list)

    async def read(self, begins: Mapping[int, int]) -> AsyncIterator[Page]:
        for number in begins:
            yield Page(number, self.written[number], len(self.written[number]))


class Settled:
    """An agent with a real core, and what it told."""

    def __init__(self, work: Work, topic: Topic | None = None) -> None:
        self.core = ScorerBySettings(DetectionSettings(), InlineFitter())
        self.book = SettledApplications(topic or Topic(), 4, self.core.settle)
        self.agent = Settling(self.book, work.partitions, work.delivery, TOPICS, work.metrics, work.scoring.resting)
        self.work = work

    def sigma(self, environment: str = "prod", application: str = "shop") -> float:
        return self.core.settings_of((application, environment)).least_sigma

    async def take(self, values: Sequence[Any], start: int = 0, partition: int = RIGHT) -> Run:
        if not self.work.owns:
            await self.work.own(*range(4))
        asked = Run(TP(TOPIC, partition), records(values, start, partition))
        await self.agent.take(asked)
        return asked

    def told(self) -> list[ModelEvent]:
        values = [sent.value for sent in self.work.publisher.topic(TOPICS.models.name)]
        return [msgspec.json.decode(value, type=ModelEvent) for value in values]


def test_the_last_one_counts_and_each_is_told_with_its_version(work: Work) -> None:
    async def test() -> None:
        settled = Settled(work)
        asked = await settled.take([said(1, least_sigma=5.0), said(2, least_sigma=6.0), said(3)])
        assert (asked.acked, settled.sigma()) == (True, 4.0)
        found = [(one.data.change, one.data.settings_version, one.data.settings) for one in settled.told()]
        assert found == [
            ("settings_changed", 1, {"least_sigma": 5.0}),
            ("settings_changed", 2, {"least_sigma": 6.0}),
            ("settings_changed", 3, {}),
        ]
        assert settled.told()[0].data.sentence == ("shop is judged by least_sigma 5 of its own from now on: version 1.")
        assert len({one.id for one in settled.told()}) == 3

    run(test())


def test_environments_are_apart(work: Work) -> None:
    async def test() -> None:
        settled = Settled(work)
        await settled.take([said(1, least_sigma=5.0), said(1, "test", least_sigma=6.0)])
        assert (settled.sigma(), settled.sigma("test"), settled.sigma("")) == (5.0, 6.0, 4.0)

    run(test())


def test_a_newcomer_knows_them_before_it_scores_and_what_it_reads_again_is_told_again(work: Work) -> None:
    async def test() -> None:
        topic = Topic()
        topic.written[RIGHT] = records([said(1, least_sigma=5.0), said(2, least_sigma=6.0)])
        settled = Settled(work, topic)
        await settled.book.load([RIGHT])
        assert (settled.sigma(), settled.told()) == (6.0, [])
        await settled.take([said(1, least_sigma=5.0), said(2, least_sigma=6.0)])
        assert settled.sigma() == 6.0
        assert [one.data.settings_version for one in settled.told()] == [2]

    run(test())


def test_models_are_loaded_after_settings(work: Work) -> None:
    async def test() -> None:
        topic = Topic()
        topic.written[RIGHT] = records([said(1, least_sigma=5.0)])
        settled = Settled(work, topic)
        work.models._settled = settled.book
        await work.own(RIGHT)
        assert settled.sigma() == 5.0
        await work.models.assign([])
        assert settled.sigma() == 4.0

    run(test())


def test_what_is_gone_from_the_topic_is_gone(work: Work) -> None:
    async def test() -> None:
        topic = Topic()
        topic.written[RIGHT] = records([said(1, least_sigma=5.0), said(1, "test", least_sigma=6.0)])
        settled = Settled(work, topic)
        await settled.book.load([RIGHT])
        topic.written[RIGHT] = records([said(1, least_sigma=5.0)])
        await settled.book.load([RIGHT])
        assert (settled.sigma(), settled.sigma("test")) == (5.0, 4.0)
        await settled.take([None], start=7)
        assert (settled.sigma(), settled.told()[0].data.settings_version) == (4.0, 0)

    run(test())


def test_a_topic_that_was_made_anew_is_believed(work: Work) -> None:
    async def test() -> None:
        settled = Settled(work)
        await settled.take([said(1, least_sigma=5.0)], start=40)
        await settled.take([said(1, least_sigma=6.0)])
        assert settled.sigma() == 5.0
        settled.agent.offsets_lost(TP(TOPIC, RIGHT), 41, 0)
        await settled.take([said(1, least_sigma=6.0)])
        assert settled.sigma() == 6.0

    run(test())


def test_settings_that_cannot_be_are_refused_with_the_reason_on_every_worker_alike(work: Work) -> None:
    async def test() -> None:
        topic, wrong = Topic(), said(2, least_sigma=99.0)
        settled = Settled(work, topic)
        asked = await settled.take([said(1, least_sigma=5.0), wrong])
        refused = settled.told()[-1].data
        assert (asked.acked, refused.change, refused.settings, settled.sigma()) == (True, "settings_refused", {}, 4.0)
        assert refused.sentence == (
            "Version 2 of the settings of shop cannot be: The setting 'least_sigma' must be from 3 to 40. Got 99.0 "
            "instead. It has the settings of the workers."
        )
        topic.written[RIGHT] = records([wrong])
        newcomer = Settled(work, topic)
        await newcomer.book.load([RIGHT])
        assert newcomer.sigma() == 4.0

    run(test())


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b"{", "Settings of an application must name it, and be numbers"),
        (b'{"application":"shop","version":1,"settings":{"least_sigma":"5"}}', "Expected `float`"),
        (said(1, application=OTHER), "must be in partition"),
    ],
)
def test_a_record_that_holds_none_is_a_dead_letter_and_the_next_is_used(work: Work, value: Any, sentence: str) -> None:
    async def test() -> None:
        topic = Topic()
        topic.written[RIGHT] = records([value])
        settled = Settled(work, topic)
        await settled.book.load([RIGHT])
        asked = await settled.take([value, said(1, least_sigma=5.0)])
        assert (asked.acked, settled.sigma()) == (True, 5.0)
        [letter] = work.publisher.topic(TOPICS.dead_letters.name)
        assert any(sentence.encode() in content for _, content in letter.headers)
        assert WRONG != RIGHT

    run(test())


def test_what_went_to_another_worker_is_left_to_it(work: Work) -> None:
    async def test() -> None:
        settled = Settled(work)
        await work.own(*range(4))
        asked = Run(TP(TOPIC, RIGHT), records([said(1, least_sigma=5.0)]))
        asked.outstanding = False
        await settled.agent.take(asked)
        assert (asked.acked, settled.sigma()) == (False, 4.0)

    run(test())
