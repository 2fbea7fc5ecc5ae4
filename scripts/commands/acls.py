"""The command `acls`: what each role needs on Kafka, granted to a user."""

from collections.abc import Mapping

import click
from rich.console import Console
from rich.table import Table

from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.kafka.clients import admin_config
from tracehound.streams.settings.roles import Role, roles
from tracehound.streams.settings.settings import load_settings


@click.command()
@click.argument("role", required=False)
@click.argument("user", required=False)
@click.option("--dry-run", is_flag=True, help="Only print what would be granted.")
def acls(role: str | None, user: str | None, dry_run: bool) -> None:
    """Grant USER what ROLE needs on Kafka, and nothing else; without both, list the roles.

    ROLE is one of those that the list has. USER is a name, or with its type, as in `Group:people`.
    """
    from tracehound.infra.kafka.access import grant

    settings = load_settings()
    known = roles(settings)
    if role is None:
        _list(known)
        return
    if role not in known:
        raise TracehoundError(f"The role must be one of {', '.join(known)}. Got {printable(role)!r} instead.")
    if user is None:
        raise TracehoundError(f"A user is needed to grant something to: tracehound acls {role} USER")
    principal = user if ":" in user else f"User:{user}"
    grants = list(known[role].grants())
    if not dry_run:
        grant(admin_config(settings), principal, grants)
    for operation, kind, name in grants:
        click.echo(f"{'would grant' if dry_run else 'granted'} {printable(principal)}: {operation} on {kind} {name}")


def _list(known: Mapping[str, Role]) -> None:
    table = Table("role", "of", "READ", "WRITE", "DESCRIBE", "READ on the group")
    for name, role in known.items():
        columns = (role.reads, role.writes, role.sees, role.groups)
        table.add_row(name, role.about, *("\n".join(dict.fromkeys(column)) for column in columns))
    console = Console() if Console().is_terminal else Console(width=240)
    console.print(table)
