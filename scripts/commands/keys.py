"""The command `tracehound keys`: lists, makes and takes back the console's keys."""

from typing import Any

import click

from tracehound.scripts.commands.console_tables import json_option, print_json, print_table
from tracehound.scripts.commands.moments import Duration
from tracehound.scripts.console.client import console_client
from tracehound.scripts.console.shapes import Keys, MadeKey

_COLUMNS = ("prefix", "name", "role", "made_by", "made_at", "expires_at", "last_used_at")
_DAY_S = 86_400.0


@click.group()
def keys() -> None:
    """List, make and take back the console's keys, over the console; for admins."""


@keys.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List all keys: who made them, what they are good for, and when they were last used.

    \b
    tracehound keys list
    tracehound keys list --json
    """
    told = console_client().get(Keys, "keys")
    if as_json:
        print_json(told)
        return
    print_table(
        [name.replace("_", " ") for name in _COLUMNS], [[dict(one)[n] for n in _COLUMNS] for one in told["items"]]
    )


@keys.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "operator", "admin"]), default="viewer", show_default=True)
@click.option("--expires-in", "life_s", type=Duration(), help="How long it is good: 12h, 90d; without it for ever.")
@json_option
def add_key(name: str, role: str, life_s: float | None, as_json: bool) -> None:
    """Make a key called NAME. It is printed this once, alone in its line, and kept nowhere.

    \b
    tracehound keys add grafana
    tracehound keys add deploys --role operator --expires-in 90d --json
    """
    body: dict[str, Any] = {"name": name, "role": role}
    if life_s is not None:
        body["expires_in_days"] = life_s / _DAY_S
    made = console_client().send(MadeKey, "POST", "keys", body=body)
    if as_json:
        print_json(made)
        return
    until = f"until {made['expires_at']}" if made["expires_at"] else "until it is taken back"
    click.echo(f"A key of the role {made['role']}, good {until}; it is not shown again:", err=True)
    click.echo(made["key"])


@keys.command("revoke")
@click.argument("prefix")
@click.option("--yes", is_flag=True, help="Do not ask.")
def revoke_key(prefix: str, yes: bool) -> None:
    """Take back the key that begins with PREFIX, as `tracehound keys list` shows it, at once.

    \b
    tracehound keys revoke th_0a1b2c3d --yes
    """
    if not yes:
        click.confirm(f"Take back the key {prefix!r}?", abort=True)
    console_client().send(dict[str, Any], "DELETE", "keys", prefix)
    click.echo(f"The key {prefix!r} is no longer good.")
