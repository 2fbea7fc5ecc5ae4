"""The command `tracehound train`: what training would take, and training now, over the console."""

import time
from collections.abc import Collection, Sequence
from typing import Final

import click

from tracehound.scripts.commands.console_options import its_environment_option
from tracehound.scripts.commands.console_tables import json_option, print_json, print_table
from tracehound.scripts.commands.cost import money
from tracehound.scripts.commands.moments import Duration
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.console.client import ConsoleClient, console_client
from tracehound.scripts.console.shapes import Estimated, StartedShape
from tracehound.scripts.exit_codes import ExitCode, NotInTimeError

_LOOK_S: Final = 1.0
_LATEST: Final = 200


@click.command()
@click.argument("applications", nargs=-1, metavar="[APPLICATION]...")
@its_environment_option
@click.option("--estimate", is_flag=True, help="Only say what it would take; without APPLICATION for all.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", "wait_s", type=Duration(), help="Wait so long until it is trained: 90s, 10m.")
@json_option
def train(
    applications: tuple[str, ...], environment: str, estimate: bool, yes: bool, wait_s: float | None, as_json: bool
) -> None:
    """Train the models of each APPLICATION now, over the console, once it is said what that takes.

    Each is trained with its next execution. With --wait the status is 1 if training failed and 8 if it took longer.

    \b
    tracehound train --estimate
    tracehound train shop --environment prod --estimate --json
    tracehound train shop --environment prod --yes
    """
    client = console_client()
    if not applications and not estimate:
        raise click.UsageError("Name an APPLICATION, or ask with --estimate for all.")
    names: Sequence[str | None] = applications or [None]
    told = [
        client.get(Estimated, "training", "estimate", application=one, environment=environment or None) for one in names
    ]
    if estimate:
        _tell(told, as_json)
        return
    if not as_json:
        _tell(told, as_json=False)
    if not yes:
        click.confirm(f"Train the models of {', '.join(map(printable, applications))} now?", abort=True, err=True)
    before = {one["id"] for name in applications for one in _started(client, name, environment)}
    body = {"applications": [{"application": name, "environment": environment} for name in applications]}
    sent = client.send(Estimated, "POST", "training", body=body)
    ended = [] if wait_s is None else _ended(client, applications, environment, before, wait_s)
    if as_json:
        print_json({"estimated": sent, "started": ended})
    else:
        for one in ended:
            click.echo(printable(f"{one['application']}: {one['state']}. {one['sentence']}"))
        if wait_s is None:
            click.echo("Sent. Each is trained with its next execution; `tracehound cost --runs` says what it took.")
    if any(one["state"] == "failed" for one in ended):
        raise SystemExit(ExitCode.NO)


def _started(client: ConsoleClient, application: str, environment: str) -> list[StartedShape]:
    return client.items(
        StartedShape, "training", "started", limit=_LATEST, application=application, environment=environment
    )


def _ended(
    client: ConsoleClient, applications: Sequence[str], environment: str, before: Collection[str], wait_s: float
) -> list[StartedShape]:
    """Training that was asked for now, of each application, once it has ended.

    Raises:
        NotInTimeError: one has not, so long after.
    """
    deadline, waiting, ended = time.monotonic() + wait_s, list(dict.fromkeys(applications)), list[StartedShape]()
    while True:
        for application in tuple(waiting):
            new = [one for one in _started(client, application, environment) if one["id"] not in before]
            done = [one for one in new if one["state"] != "waiting"]
            if done:
                ended.append(done[-1])
                waiting.remove(application)
        if not waiting:
            return ended
        if time.monotonic() >= deadline:
            names = ", ".join(waiting)
            raise NotInTimeError(f"Training must end within {wait_s:g} s. That of {names} has not: no execution came?")
        time.sleep(min(_LOOK_S, wait_s))


def _tell(told: Sequence[Estimated], as_json: bool) -> None:
    if as_json:
        print_json({"items": told})
        return
    rows = [
        (
            *(item["application"], item["environment"], item["samples"], item["cpu_s"], item["wall_s"]),
            money(item["money"], one["currency"]),
        )
        for one in told
        for item in one["items"]
    ]
    print_table(("application", "environment", "samples", "CPU s", "time s", "money"), rows)
    measured, off = max(one["measured_runs"] for one in told), told[0]["error_share_median"]
    how = f"; estimates were off by {off:.0%} at the median" if off is not None else ""
    click.echo(f"By {measured} runs that were measured{how}.")
