"""The command `tracehound maintenance`: announces, ends and lists maintenance windows."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Protocol
from uuid import uuid4

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.feedback import ANYWHERE, Maintenance
from tracehound.scripts.commands.announcing import announce, checked, known_user
from tracehound.scripts.commands.identities import resolved
from tracehound.scripts.commands.known_applications import require_known
from tracehound.scripts.commands.moments import Duration, Moment
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import Settings, load_settings


class Record(Protocol):
    """The part of ``aiokafka.ConsumerRecord`` that is needed."""

    @property
    def value(self) -> bytes | None:
        """What it holds; None where its key was deleted."""
        ...


_decode = msgspec.json.Decoder(Maintenance).decode


@click.group()
def maintenance() -> None:
    """Announce, end and list maintenance windows, in which nobody is told of incidents."""


@maintenance.command("add")
@click.option("--for", "for_s", type=Duration(), help="How long: 30m, 2h, 1d. This or --until.")
@click.option("--from", "starts_at", type=Moment(), help="An RFC 3339 date-time, or an age; without it now.")
@click.option("--until", "ends_at", type=Moment(), help="An RFC 3339 date-time.")
@click.option("--application", default="", help="Only of this application; without it all.")
@click.option("--environment", default=ANYWHERE, help="Only in this environment; without it in all.")
@click.option(
    "--learn", is_flag=True, help="What deviates in it is expected: models learn it, and do not tell it again."
)
@click.option("--note", default="", help="Why; for other people.")
@click.option("--id", "window_id", default=None, help="Replaces the window of this id; without it a new one.")
def add(
    for_s: float | None, starts_at: float | None, ends_at: float | None, window_id: str | None, **given: Any
) -> None:
    """Announce a window; prints its id. Times are those of executions, not of your clock."""
    begins_s = time.time() if starts_at is None else starts_at
    if (for_s is None) == (ends_at is None):
        raise click.UsageError("Say how long with --for, or until when with --until, but not both.")
    until_s = begins_s + for_s if for_s is not None else ends_at
    if until_s is None or until_s <= begins_s:
        raise TracehoundError("A maintenance window must end after it begins: see --from and --until.")
    window = checked(
        Maintenance(window_id or uuid4().hex[:12], begins_s, until_s, by=known_user(), **given), Maintenance
    )
    settings = load_settings()
    most = settings.incident_worker.max_maintenance_days
    if until_s - begins_s > most * 86_400.0:
        raise TracehoundError(
            f"A maintenance window must take at most {most:g} days (setting 'incident_worker.max_maintenance_days'). "
            f"Got {(until_s - begins_s) / 86_400.0:.1f} instead."
        )
    _require_known(settings, window)
    _announce(settings, window)
    click.echo(f"{window.window_id}: {_described(window)}")


@maintenance.command("end")
@click.argument("window_id")
def end(window_id: str) -> None:
    """End the window WINDOW_ID, or the one whose id begins so, now; one that has not begun is withdrawn."""
    settings, now_s = load_settings(), time.time()
    windows = {identity: one for identity, one in _stored(settings).items() if one.ends_at > now_s}
    see = "tracehound maintenance list"
    window = windows[resolved(window_id, windows, "a maintenance window that is open or announced", see)]
    if window.starts_at < now_s:
        window.ends_at = now_s
    else:
        window.withdrawn = True
    _announce(settings, window)
    click.echo(f"{printable(window.window_id)} {'is withdrawn' if window.withdrawn else 'has ended'}.")


@maintenance.command("list")
@click.option("--all", "every", is_flag=True, help="Those that are over, too.")
def list_windows(every: bool) -> None:
    """List windows that are open or announced, those first that begin first."""
    now_s = time.time()
    windows = sorted(_stored(load_settings()).values(), key=lambda one: (one.starts_at, one.window_id))
    table = Table("id", "state", "from", "until", "application", "environment", "learn", "note")
    for window in windows:
        if every or window.ends_at > now_s:
            table.add_row(*map(Text, map(printable, _row(window, now_s))))
    console = Console() if Console().is_terminal else Console(width=200)
    console.print(table)


def _row(window: Maintenance, now_s: float) -> Iterator[str]:
    yield window.window_id
    state = "open" if window.starts_at <= now_s else "announced"
    yield state if window.ends_at > now_s else "over"
    yield from (rfc3339(window.starts_at), rfc3339(window.ends_at))
    yield from (window.application or "(all)", _where(window), "yes" if window.learn else "", window.note)


def _described(window: Maintenance) -> str:
    whose = window.application or "all applications"
    where = "all environments" if window.environment == ANYWHERE else window.environment or "no environment"
    return f"{printable(whose)} in {printable(where)} from {rfc3339(window.starts_at)} until {rfc3339(window.ends_at)}"


def _where(window: Maintenance) -> str:
    return "(all)" if window.environment == ANYWHERE else window.environment or "(none)"


def _require_known(settings: Settings, window: Maintenance) -> None:
    application, environment = window.application or None, window.environment
    if application is not None or environment != ANYWHERE:
        with TopicReader(settings) as reader:
            require_known(reader, settings, application, None if environment == ANYWHERE else environment)


def _announce(settings: Settings, window: Maintenance) -> None:
    announce(settings, settings.topics.maintenance, window.window_id, window)


def _stored(settings: Settings) -> dict[str, Maintenance]:
    topic = settings.topics.maintenance.name
    with TopicReader(settings) as reader:
        return known_windows(reader.scan(topic, reader.ends(topic)))


def known_windows(messages: Iterable[Record]) -> dict[str, Maintenance]:
    """The windows of a topic's records by their id, the last of each, without those that were withdrawn.

    Records that hold no window are passed over: the incident worker tells of them.
    """
    found: dict[str, Maintenance] = {}
    for message in messages:
        try:
            window = _decode(message.value or b"")
        except (msgspec.DecodeError, ValueError, RecursionError):
            continue
        found.pop(window.window_id, None)
        if not window.withdrawn and window.starts_at < window.ends_at:
            found[window.window_id] = window
    return found
