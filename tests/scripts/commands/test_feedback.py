"""The command `feedback` against the embedded broker."""

from collections.abc import Callable, Mapping

import msgspec
import pytest

from tests.scripts.conftest import Run
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.codec import encode
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.feedback import Verdict
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.feedback import feedback
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import Settings

ID = "4f2a91c3d7e8f9a0b1c2d3e4f5a6b7c8"
Send = Callable[..., None]


@pytest.fixture
def told(topics: Topics, send: Send, make_anomaly: Callable[..., AnomalyEvent]) -> None:
    for identity in (ID, "4f2b", "77"):
        send(topics.anomalies.name, encode(make_anomaly("shop", "latency", 1.0, id=identity)))
    send(topics.anomalies.name, b"no event")


@pytest.mark.usefixtures("told")
def test_a_verdict_is_sent_with_who_and_why_and_taken_back(
    topics: Topics, environment: Mapping[str, str], run: Run
) -> None:
    said = run(feedback, "4f2a", "false_positive", "--by", "ann", "--note", "nightly batch", catch_exceptions=False)
    back = run(feedback, "4f2a", "false_positive", "--by", "bob", "--withdraw", catch_exceptions=False)
    with TopicReader(Settings(bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"])) as reader:
        found = list(reader.scan(topics.feedback.name, reader.ends(topics.feedback.name)))
    first, second = (msgspec.json.decode(message.value, type=Verdict) for message in found)

    assert {message.key for message in found} == {ID.encode()}
    assert (first.subject_id, first.judgement, first.by) == (ID, "false_positive", "ann")
    assert (first.note, first.withdrawn) == ("nightly batch", False)
    assert (second.withdrawn, second.by) == (True, "bob")
    assert second.judged_at >= first.judged_at
    assert said.output.startswith("4f2a91c3 is the anomaly 'It is slow.'.\n")
    assert "is not told again up to 20 %" in said.output
    assert "what was learned of it is forgotten" in back.output


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("given", "why"),
    [
        (
            "dead",
            r"There is no id of an anomaly or incident that is, or begins with, 'dead': see `tracehound incidents",
        ),
        ("4f2", f"must be the beginning of one id only. It is that of {ID}, 4f2b"),
    ],
)
def test_an_id_that_nothing_has_or_that_is_not_clear_is_refused(
    topics: Topics, environment: Mapping[str, str], run: Run, given: str, why: str
) -> None:
    with pytest.raises(TracehoundError, match=why):
        run(feedback, given, "confirmed", "--by", "ann", catch_exceptions=False)
    with TopicReader(Settings(bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"])) as reader:
        assert list(reader.scan(topics.feedback.name, reader.ends(topics.feedback.name))) == []


def test_a_judgement_that_does_not_exist_is_a_usage_error(run: Run) -> None:
    result = run(feedback, "4f2a", "maybe")

    assert result.exit_code == 2
    assert "'maybe' is not one of" in result.output


@pytest.mark.parametrize(("arguments", "about"), [(["x" * 201], "subject_id"), ([""], "subject_id")])
def test_an_id_that_cannot_be_one_is_refused_before_it_is_sent(run: Run, arguments: list[str], about: str) -> None:
    with pytest.raises(TracehoundError, match=rf"This cannot be sent: .*{about}"):
        run(feedback, *arguments, "confirmed", "--by", "ann", catch_exceptions=False)
