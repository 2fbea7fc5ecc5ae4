"""The reference of the command line, generated from the commands."""

from collections.abc import Iterator

import click

from tracehound.scripts.cli import main
from tracehound.scripts.documents.measured import table
from tracehound.scripts.exit_codes import MEANINGS


def commands_reference() -> str:
    """Every command with its subcommands: what it does, its arguments and options."""
    return "\n\n".join(_sections(main, "tracehound", click.Context(main, info_name="tracehound")))


def exit_codes_table() -> str:
    """Every exit status, and what it says."""
    return table(("status", "when"), [[str(code.value), said] for code, said in MEANINGS.items()])


def _sections(group: click.Group, path: str, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        called = f"{path} {name}"
        within = click.Context(command, info_name=name, parent=context)
        yield f"## `{called}{_arguments(command)}`\n\n{_said(command)}"
        if options := _options(command, within):
            yield options
        if isinstance(command, click.Group):
            yield from _sections(command, called, within)


def _arguments(command: click.Command) -> str:
    found = [one for one in command.params if isinstance(one, click.Argument)]
    shown = [one.make_metavar(click.Context(command)) for one in found]
    return "".join(f" {one}" for one in shown)


def _said(command: click.Command) -> str:
    paragraphs = (command.help or "").split("\f")[0].strip().split("\n\n")
    return "\n\n".join(map(_paragraph, paragraphs))


def _paragraph(paragraph: str) -> str:
    """A paragraph in one line; one that is not to be wrapped holds examples."""
    if paragraph.startswith("\b\n"):
        return f"```\n{paragraph[2:]}\n```"
    return " ".join(paragraph.split())


def _options(command: click.Command, context: click.Context) -> str:
    records = [
        one.get_help_record(context) for one in command.params if isinstance(one, click.Option) and not one.hidden
    ]
    rows = [[f"`{names}`", said.replace("|", "\\|")] for record in records if record for names, said in [record]]
    return table(("option", "meaning"), rows) if rows else ""
