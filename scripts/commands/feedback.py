"""The command `tracehound feedback`: says what an anomaly or an incident was."""

import time
from typing import Any, get_args

import click
import msgspec

from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.feedback import Judgement, Verdict
from tracehound.scripts.commands.announcing import announce, checked, user_name
from tracehound.scripts.commands.console_ids import subject_id_of
from tracehound.scripts.commands.console_tables import json_option, print_json
from tracehound.scripts.commands.identities import resolved, short
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.commands.told import subjects_like
from tracehound.scripts.console.client import ConsoleClient, console_client, console_is_named
from tracehound.scripts.console.shapes import PreviewShape
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import CONSOLE_URL, load_settings

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
@click.option("--preview", is_flag=True, help="Only say what it would have silenced; from the console.")
@click.option("--yes", is_flag=True, help="Do not ask; over the console, which asks where it would silence anything.")
@json_option
def feedback(
    subject_id: str,
    judgement: Judgement,
    note: str,
    by: str | None,
    withdraw: bool,
    preview: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Say what SUBJECT_ID was: an anomaly or an incident, by its id or the beginning of it.

    A later verdict on the same id replaces an earlier one. The models of each application concerned learn it for
    30 days of event time (setting detection.feedback_days).

    Over the console where TRACEHOUND_CONSOLE_URL or a key of it is set, which says first what the verdict would have
    silenced; it is given in the name of the key. Else to Kafka.

    \b
    tracehound feedback 4f2a91c3 false_positive --preview
    tracehound feedback 4f2a91c3 expected_change --note "a sale" --yes
    tracehound feedback 898dd1b3 confirmed --json
    """
    if console_is_named():
        if by is not None:
            raise click.UsageError("Over the console a verdict is given in the name of its key: --by is for Kafka.")
        client = console_client()
        verdict = {"subject_id": subject_id_of(client, subject_id), "judgement": judgement}
        _over_console(client, verdict | {"note": note, "withdraw": withdraw}, preview, yes, as_json)
        return
    if preview:
        raise ConfigurationError(f"A preview is made by the console: say in {CONSOLE_URL} where it is.")
    sent, subject, topic = _to_kafka(subject_id, judgement, note, by, withdraw)
    if as_json:
        print_json({"verdict": msgspec.to_builtins(sent)})
        return
    click.echo(printable(f"{short(sent.subject_id)} is {subject}."))
    click.echo(f"Sent to {topic}. Once incident workers and workers have read it, {_follows(judgement, withdraw)}.")


def _over_console(
    client: ConsoleClient,
    verdict: dict[str, Any],
    preview: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Say what the verdict would have silenced, and send it, once somebody agrees where that is anything."""
    subject = {name: verdict[name] for name in ("subject_id", "judgement")}
    would = client.send(PreviewShape, "POST", "feedback", "preview", body=subject)
    if not (as_json or verdict["withdraw"]):
        click.echo(printable(would["sentence"]))
    if preview:
        if as_json:
            print_json({"preview": would})
        return
    if would["silenced"] and not (yes or verdict["withdraw"]):
        click.confirm("Give this verdict?", abort=True, err=True)
    sent = client.send(dict[str, Any], "POST", "feedback", body=verdict)
    if as_json:
        print_json({"preview": would, "verdict": sent})
        return
    follows = _follows(verdict["judgement"], verdict["withdraw"])
    click.echo(f"Sent: {short(verdict['subject_id'])}. Once workers have read it, {follows}.")


def _to_kafka(
    subject_id: str, judgement: Judgement, note: str, by: str | None, withdraw: bool
) -> tuple[Verdict, str, str]:
    """What was sent, a sentence about its subject, and the topic."""
    given = Verdict(subject_id, judgement, time.time(), user_name() if by is None else by, note, withdraw)
    checked(given, Verdict)
    settings = load_settings()
    with TopicReader(settings) as reader:
        like = subjects_like(reader, settings, subject_id)
    see = "tracehound incidents list --all` or `tracehound tail --from-beginning"
    verdict = msgspec.structs.replace(given, subject_id=resolved(subject_id, like, "an anomaly or incident", see))
    announce(settings, settings.topics.feedback, verdict.subject_id, verdict)
    return verdict, like[verdict.subject_id], settings.topics.feedback.name


def _follows(judgement: Judgement, withdraw: bool) -> str:
    return "what was learned of it is forgotten" if withdraw else _FOLLOWS[judgement]
