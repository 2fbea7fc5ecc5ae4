"""The command `feedback` against the embedded broker."""

from collections.abc import Mapping

import msgspec
import pytest

from tests.scripts.conftest import Run
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.feedback import Verdict
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.feedback import feedback
from tracehound.scripts.commands.kafka_clients import consumer_config
from tracehound.scripts.commands.topic_reading import TopicReader
from tracehound.streams.settings.settings import Settings


def test_a_verdict_is_sent_with_who_and_why_and_taken_back(
    topics: Topics, environment: Mapping[str, str], run: Run
) -> None:
    said = run(feedback, "4f2a", "false_positive", "--by", "ann", "--note", "nightly batch", catch_exceptions=False)
    back = run(feedback, "4f2a", "false_positive", "--by", "bob", "--withdraw", catch_exceptions=False)
    with TopicReader(consumer_config(Settings(bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"]))) as reader:
        found = list(reader.scan(topics.feedback.name, reader.ends(topics.feedback.name)))
    first, second = (msgspec.json.decode(message.value(), type=Verdict) for message in found)

    assert {message.key() for message in found} == {b"4f2a"}
    assert (first.subject_id, first.judgement, first.by) == ("4f2a", "false_positive", "ann")
    assert (first.note, first.withdrawn) == ("nightly batch", False)
    assert (second.withdrawn, second.by) == (True, "bob")
    assert second.judged_at >= first.judged_at
    assert "is not told again up to 20 %" in said.output
    assert "what was learned of it is forgotten" in back.output


def test_a_judgement_that_does_not_exist_is_a_usage_error(run: Run) -> None:
    result = run(feedback, "4f2a", "maybe")

    assert result.exit_code == 2
    assert "'maybe' is not one of" in result.output


@pytest.mark.parametrize(("arguments", "about"), [(["x" * 201], "subject_id"), ([""], "subject_id")])
def test_an_id_that_cannot_be_one_is_refused_before_it_is_sent(run: Run, arguments: list[str], about: str) -> None:
    with pytest.raises(TracehoundError, match=rf"This cannot be sent: .*{about}"):
        run(feedback, *arguments, "confirmed", "--by", "ann", catch_exceptions=False)
