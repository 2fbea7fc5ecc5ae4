"""The command `tracehound settings`: an example of a configuration file, with every setting and what it means."""

import json
from collections.abc import Iterator
from itertools import groupby

import click

from tracehound.streams.settings.catalogue import Setting, every_setting
from tracehound.streams.settings.settings import Settings

_HEAD = """\
# Every setting of tracehound with its default. Take the # away from what you change, and name this file:
#   export TRACEHOUND_CONFIG=tracehound.toml
# The environment wins over it: TRACEHOUND_HTTP_PORT=8780, TRACEHOUND_DETECTION__ALARM_BUDGET=1.
"""


@click.command("settings")
def settings_command() -> None:
    """Print an example of a configuration file: every setting with its default, its range and what it means.

    `tracehound settings > tracehound.toml` is a file to begin with: it changes nothing until you take the # away.
    """
    click.echo(example(), nl=False)


def example() -> str:
    """The example file, TOML."""
    return _HEAD + "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for part, settings in groupby(every_setting(Settings), lambda setting: setting.part):
        yield ""
        if part:
            yield f"[{part}]"
        yield from map(_line, settings)


def _line(setting: Setting) -> str:
    value = setting.default if setting.default is not None else setting.examples[0]
    unset = "not set by default; " if setting.default is None else ""
    legal = f" ({setting.range})" if setting.range else ""
    return f"#{setting.name} = {_toml(value)}  # {unset}{setting.meaning}{legal}"


def _toml(value: object) -> str:
    """A value as TOML has it, which for what settings have is JSON but for an empty table."""
    return "{}" if value == {} else json.dumps(value, ensure_ascii=False)
