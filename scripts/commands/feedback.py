"""The command `tracehound feedback`: says what an anomaly or an incident was."""

import time
from typing import get_args

import click
import msgspec

from tracehound.schemas.feedback import Judgement, Verdict
from tracehound.scripts.commands.announcing import announce, checked, user_name
from tracehound.scripts.commands.identities import resolved, short
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.commands.told import subjects_like
from tracehound.scripts.kafka.clients import consumer_config
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import load_settings

_FOLLOWS = {
    "false_positive": "the like is not told again up to 20 % beyond its size",
    "expected_change": "the like is not told again up to 20 % beyond its size, and soon is the new normal",
    "confirmed": "the like is told, whatever was judged before",
}


@click.command()
@click.argument("subject_id")
@click.argument("judgement", type=click.Choice(get_args(Judgement)))
@click.option("--note", default="", help="Why; for other people.")
@click.option("--by", default=None, help="Who says so; without it your user name.")
@click.option("--withdraw", is_flag=True, help="Take this verdict back.")
def feedback(subject_id: str, judgement: Judgement, note: str, by: str | None, withdraw: bool) -> None:
    """Say what SUBJECT_ID was: an anomaly or an incident, by its id or the beginning of it.

    A later verdict on the same id replaces an earlier one. The models of each application concerned learn it for
    30 days of event time (setting detection.feedback_days).
    """
    given = Verdict(subject_id, judgement, time.time(), user_name() if by is None else by, note, withdraw)
    checked(given, Verdict)
    settings = load_settings()
    with TopicReader(consumer_config(settings)) as reader:
        like = subjects_like(reader, settings, subject_id)
    see = "tracehound incidents list --all` or `tracehound tail --from-beginning"
    verdict = msgspec.structs.replace(given, subject_id=resolved(subject_id, like, "an anomaly or incident", see))
    announce(settings, settings.topics.feedback, verdict.subject_id, verdict)
    click.echo(printable(f"{short(verdict.subject_id)} is {like[verdict.subject_id]}."))
    follows = "what was learned of it is forgotten" if withdraw else _FOLLOWS[judgement]
    click.echo(f"Sent to {settings.topics.feedback.name}. Once incident workers and workers have read it, {follows}.")
