"""The command `tracehound models`: list, reset, refit, export and import the models of applications."""

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracehound.detectors.scoring import snapshot as application_snapshot
from tracehound.schemas.control import Control
from tracehound.schemas.errors import SnapshotError, TracehoundError
from tracehound.schemas.execution import ApplicationKey, rfc3339
from tracehound.scripts.commands.announcing import announce, known_user
from tracehound.scripts.commands.console_options import its_environment_option, repeated, watch_option
from tracehound.scripts.commands.console_tables import json_option, print_json, print_table
from tracehound.scripts.commands.known_applications import not_known
from tracehound.scripts.commands.stored_states import Stored, stored_states
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.console.client import console_client
from tracehound.scripts.console.shapes import Models as ConsoleModels
from tracehound.scripts.exit_codes import UnknownThingError
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import Settings, load_settings

_SLACK_BYTES = 1_000

_ENVIRONMENT = "Only this environment of the application ('' where it names none)"


@click.group()
def models() -> None:
    """List, show, reset, refit, export and import the models of applications."""


@models.command("list")
@click.option("--application", help="Only applications whose name holds this.")
def list_models(application: str | None) -> None:
    """List the stored models of every application."""
    settings = load_settings()
    with TopicReader(settings) as reader:
        found, unusable = _stored(reader, settings)
    shown = [found[key] for key in sorted(found) if application is None or application in key[0]]
    table = Table("application", "environment", "operations", "learned", "newest execution", "partition", "bytes")
    for stored in shown:
        table.add_row(*map(Text, _row(stored)))
    console = Console() if Console().is_terminal else Console(width=160)
    console.print(table)
    console.print(f"{len(shown)} of {len(found)} applications." + _unusable(unusable))


@models.command("show")
@click.argument("application")
@its_environment_option
@watch_option
@json_option
def show_models(application: str, environment: str, every_s: float | None, as_json: bool) -> None:
    """Show what the models of APPLICATION are, from the console: ready or what is missing, what they learned and took.

    \b
    tracehound models show shop --environment prod
    tracehound models show shop --environment prod --json
    """
    client = console_client()

    def tell() -> None:
        told = client.get(ConsoleModels, "models", application=application, environment=environment or None)
        if not told["items"]:
            raise UnknownThingError(
                f"The console knows no models of {application!r} in the environment {environment!r}."
            )
        if as_json:
            print_json(told)
            return
        names = ("operation", "model", "state", "learned", "needed", "trained_at", "cpu_s", "samples", "model_bytes")
        rows = [[dict(one)[name] for name in names] for one in told["items"]]
        print_table([name.replace("_", " ") for name in names], rows)
        click.echo("All of them are ready." if told["ready"] else "Not all of them are ready.")

    repeated(every_s, tell)


def _stored(reader: TopicReader, settings: Settings) -> tuple[dict[ApplicationKey, Stored], int]:
    topic = settings.topics.model_states.name
    return stored_states(reader.scan(topic, reader.ends(topic)))


def _row(stored: Stored) -> Iterator[str]:
    state = stored.state
    yield printable(state.application)
    yield printable(state.environment)
    try:
        read = application_snapshot.read(state.snapshot)
        yield from (f"{len(read.operations):,}", f"{read.numbers.seen:,}")
    except SnapshotError:
        yield from ("unreadable", "")
    yield rfc3339(state.head.newest_event_s) if state.head.newest_event_s else ""
    yield f"{stored.partition}"
    yield f"{len(state.snapshot):,}"


def _unusable(count: int) -> str:
    return f" {count} records of the topic are unusable." if count else ""


@models.command("export")
@click.argument("application")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--environment", help=f"{_ENVIRONMENT}; needed where it has several.")
def export_models(application: str, file: Path, environment: str | None) -> None:
    """Write the latest stored models of APPLICATION to FILE."""
    found = _of_application(load_settings(), application, environment)
    if len(found) > 1:
        raise TracehoundError(
            f"The application {application!r} has several environments: name one with --environment. "
            f"It has {_environments(found)}."
        )
    snapshot = next(iter(found.values())).state.snapshot
    file.write_bytes(snapshot)
    click.echo(f"Wrote {len(snapshot):,} bytes to {file}.")


def _of_application(settings: Settings, application: str, environment: str | None) -> Mapping[ApplicationKey, Stored]:
    """What is stored of an application, in one of its environments or (None) in all.

    Raises:
        TracehoundError: nothing is.
    """
    with TopicReader(settings) as reader:
        stored, _ = _stored(reader, settings)
    found = {key: one for key, one in stored.items() if key[0] == application and environment in (None, key[1])}
    if not found:
        raise TracehoundError(not_known(application, environment, stored))
    return found


def _environments(keys: Iterable[ApplicationKey]) -> str:
    return ", ".join(repr(printable(environment)) for _, environment in sorted(keys))


@models.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def import_models(file: Path) -> None:
    """Replace the models of the application that FILE names, as exported before, by those in FILE."""
    settings = load_settings()
    snapshot = file.read_bytes()
    try:
        application, environment = application_snapshot.read(snapshot).key
    except SnapshotError as error:
        raise TracehoundError(f"The file {file} cannot be imported: {error}") from error
    control = Control("import", application, environment, time.time(), snapshot, by=known_user())
    most = settings.max_record_bytes - _SLACK_BYTES
    if len(msgspec.json.encode(control)) > most:
        raise TracehoundError(
            f"The file {file} must fit into one record of at most {most:,} bytes (setting 'max_record_bytes'). "
            f"Got {len(snapshot):,} bytes, a third more in JSON, instead."
        )
    _send(settings, control)
    click.echo(f"The worker that owns {application} replaces its models when it reads that far.")


@models.command("reset")
@click.argument("application")
@click.option("--environment", help=f"{_ENVIRONMENT}; without it all that it has.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset_models(application: str, environment: str | None, yes: bool) -> None:
    """Forget all that was learned of APPLICATION."""
    settings = load_settings()
    found = _of_application(settings, application, environment)
    where = "" if list(found) == [(application, "")] else f" in {_environments(found)}"
    if not yes:
        click.confirm(f"Forget all that was learned of {application}{where}?", abort=True)
    for _, one in sorted(found):
        _send(settings, Control("reset", application, one, time.time(), by=known_user()))
    click.echo(f"The worker that owns {application} forgets its models{where} when it reads that far.")


@models.command("refit")
@click.argument("application")
@click.option("--environment", help=f"{_ENVIRONMENT}; without it all that it has.")
def refit_models(application: str, environment: str | None) -> None:
    """Train what is trained from samples of APPLICATION now, and not when it is due."""
    settings = load_settings()
    found = _of_application(settings, application, environment)
    for _, one in sorted(found):
        _send(settings, Control("refit", application, one, time.time(), by=known_user()))
    click.echo(
        f"The worker that owns {application} trains its models with its next execution; what it took is on "
        f"{settings.topics.models.name}."
    )


def _send(settings: Settings, control: Control) -> None:
    """Send a control record to the workers."""
    announce(settings, settings.topics.control, control.application, control)
