"""The command `tracehound notify`: tells people and systems of incidents, or prints what it would tell them."""

import json
from collections.abc import Iterator
from typing import Any

import click
import msgspec

from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.incident import IncidentEvent
from tracehound.scripts.commands.identities import short
from tracehound.scripts.commands.moments import Moment
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.notify.follow import IncidentFollower
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.receivers.alertmanager import alerts_of
from tracehound.streams.notify.receivers.pagerduty import event_of
from tracehound.streams.notify.render import words_of
from tracehound.streams.notify.routing import Routes
from tracehound.streams.settings.notify import Alertmanager, AnyReceiver, PagerDuty, Webhook
from tracehound.streams.settings.settings import Settings, load_settings

_HIDDEN = "(secret)"


@click.command()
@click.option("--dry-run", is_flag=True, help="Print what would be sent of what is stored; send and commit nothing.")
@click.option(
    "--since", "since_s", type=Moment(), help="With --dry-run: of changes since then, 90m, 7d or a date-time."
)
def notify(dry_run: bool, since_s: float | None) -> None:
    """Tell receivers of incidents, as the routes in the settings say, until stopped."""
    settings = load_settings()
    if dry_run:
        for line in _preview(settings, since_s or 0.0):
            click.echo(line)
        return
    if since_s is not None:
        raise click.UsageError("--since goes with --dry-run.")
    from tracehound.streams.notify.app import build_notify
    from tracehound.streams.worker.worker import run_worker

    raise SystemExit(run_worker(settings, build_notify))


def _preview(settings: Settings, since_s: float) -> Iterator[str]:
    if not settings.notify.receivers:
        raise ConfigurationError("The setting 'notify.receivers' must name at least one receiver. Got none.")
    routes, followers = Routes(settings.notify), dict[int, IncidentFollower]()
    count = 0
    topic = settings.topics.severity.name
    with TopicReader(settings) as reader:
        for record in reader.scan(topic, reader.ends(topic)):
            follower = followers.setdefault(record.partition, IncidentFollower(routes))
            try:
                event = msgspec.json.decode(record.value or b"", type=IncidentEvent)
            except (msgspec.DecodeError, ValueError, RecursionError):
                yield f"Record {record.offset} of {topic}-{record.partition} is no incident: a dead letter."
                continue
            for notice in follower.take(event, record).now:
                if record.timestamp / 1000 >= since_s:
                    count += 1
                    yield from _lines(settings, notice, record.timestamp / 1000)
    for follower in followers.values():
        for notice, due_s in follower.held():
            yield f"Held until {rfc3339(due_s)} for {notice.receiver}:"
            yield from _lines(settings, notice, notice.record.timestamp / 1000)
    yield f"{count} messages would have been sent."


def _lines(settings: Settings, notice: Notice, at_s: float) -> Iterator[str]:
    receiver = settings.notify.receivers[notice.receiver]
    yield f"{rfc3339(at_s)} {notice.change} to {notice.receiver} ({receiver.kind}): {_about(notice)}"
    for line in _payload(receiver, notice, at_s).splitlines():
        yield "    " + printable(line)


def _about(notice: Notice) -> str:
    return printable(short(notice.event.data.incident_id))


def _payload(receiver: AnyReceiver, notice: Notice, at_s: float) -> str:
    if isinstance(receiver, Alertmanager):
        return _pretty(alerts_of(notice, receiver, at_s))
    if isinstance(receiver, PagerDuty):
        return _pretty(event_of(notice, _HIDDEN))
    if isinstance(receiver, Webhook):
        return _pretty(json.loads(notice.record.value))
    words = words_of(notice, receiver.format)
    return f"{words.title}\n{words.body}"


def _pretty(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)
