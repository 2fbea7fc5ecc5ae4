"""The command `tracehound`: every subcommand is imported when it is called, so that help is quick."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.exit_codes import exit_code_of

_COMMANDS = "tracehound.scripts.commands"
COMMANDS = {
    "acls": ("acls", "acls", "Grant a user what a role needs on Kafka, and nothing else."),
    "anomalies": ("anomalies", "anomalies", "List anomalies, from the console."),
    "apps": ("apps", "apps", "List applications with their health, from the console."),
    "check": ("check", "check", "Say whether what was told is any good, beside your own list of incidents."),
    "compile": ("compiling", "compile_command", "Compile the detectors ahead of the first worker."),
    "completion": ("completion", "completion", "Print the script by which a shell completes commands."),
    "console": ("console", "console", "Keep what was told in a database, until stopped."),
    "cost": ("cost", "cost", "Say what training took, from the console."),
    "deadletters": ("deadletters", "deadletters", "List, show and resend records that could not be used."),
    "demo": ("demo", "demo", "Show faults being detected: broker, worker and simulator in one."),
    "drill": ("drill", "drill", "Plant slow executions, and say how long it takes until they are told."),
    "drift": ("drift", "drift", "List what is no longer as it was, from the console."),
    "explain": ("explain", "explain", "Show an anomaly's execution beside a usual one, from the console."),
    "feedback": ("feedback", "feedback", "Say what an anomaly or an incident was."),
    "gateway": ("gateway", "gateway", "Take executions and traces over HTTP, until stopped."),
    "incidents": ("incidents", "incidents", "Make incidents of anomalies until stopped; list and show them."),
    "init": ("init", "init_command", "Look at Kafka's topics, and write the settings that read them."),
    "intake": ("serve", "intake", "Join spans and executions by trace, from Kafka, until stopped."),
    "keys": ("keys", "keys", "List, make and take back the console's keys."),
    "logs": ("logs", "logs", "List log events and templates, from the console."),
    "maintenance": ("maintenance", "maintenance", "Announce, end and list maintenance windows."),
    "mcp": ("mcp", "mcp", "Let assistants ask the console, by the Model Context Protocol."),
    "migrate": ("migrate", "migrate", "Take what was learned along to topics of another partition count."),
    "models": ("models", "models", "List, reset, refit, export and import the models of applications."),
    "notify": ("notify", "notify", "Tell receivers of incidents, until stopped."),
    "operations": ("operations", "operations", "List operations and how long they take, from the console."),
    "own-settings": (
        "own_settings",
        "own_settings",
        "Give single applications settings of detection, over the console.",
    ),
    "replay": ("replay", "replay", "Send recorded traces to Kafka, or score them offline."),
    "score": ("score", "score", "Say what workers would say of executions, which they do not learn."),
    "settings": ("example_settings", "settings_command", "Print an example of a configuration file."),
    "simulate": ("simulate", "simulate", "Produce executions of simulated applications, with faults."),
    "size": ("size", "size_command", "Reckon what a load needs of workers, Kafka and money."),
    "status": ("status", "status", "Say what runs and what was found."),
    "tail": ("tail", "tail", "Print anomalies as they come."),
    "topics": ("serve", "topics", "Create the topics, or check them."),
    "train": ("train", "train", "Say what training would take, and train, over the console."),
    "tune": ("tune", "tune", "Try settings on recorded executions, on all workers there are."),
    "tunings": ("tunings", "tunings", "List tunings, give them up, and use their settings, over the console."),
    "up": ("up", "up", "Run all of it on this machine, with a broker if there is none."),
    "validate": ("validate", "validate", "Say what is wrong with a file of executions, line by line."),
    "worker": ("serve", "worker", "Score executions from Kafka until stopped."),
}
"""Subcommand: module among the commands, name in it, and one line of help."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed; a broken one does not break the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (signature of the base class)
        """Names in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (as above)
        """Import a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"{_COMMANDS}.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (as above)
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in sorted(COMMANDS)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names with their line of help, without importing the commands: a shell waits for it."""
        names = [one for one in sorted(COMMANDS) if one.startswith(incomplete)]
        return [CompletionItem(one, help=COMMANDS[one][2]) for one in names] + click.Command.shell_complete(
            self, ctx, incomplete
        )

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> Any:  # type: ignore[override]
        # (the base class has overloads by standalone_mode, which pass through here)
        """Run a command; an error raised on purpose or by Kafka's client becomes a sentence on standard error, and its
        status.
        """
        try:
            return super().main(args, **extra)
        except Exception as raised:
            from tracehound.scripts.denied import told_by_kafka, why_denied

            error = raised if isinstance(raised, TracehoundError) else told_by_kafka(raised)
            if error is None:
                raise
            click.echo(f"tracehound: {_safe(error)}", err=True)
            for sentence in why_denied(sys.argv[1:] if args is None else args, error):
                click.echo(f"tracehound: {printable(sentence)}", err=True)
            raise SystemExit(exit_code_of(error)) from None


def _safe(error: TracehoundError) -> str:
    """What an error says: it may repeat what others wrote."""
    return "\n".join(map(printable, str(error).split("\n")))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tracehound")
def main() -> None:
    """Find what is unusual in the executions of your applications.

    Settings come from the environment (TRACEHOUND_..., KAFKA_BOOTSTRAP_SERVERS) and from the TOML file named
    by TRACEHOUND_CONFIG.
    """


if __name__ == "__main__":
    main(prog_name="tracehound")
