"""Every example that the help of a command shows does what it says, against a console that has what they name."""

import json
import shlex
from collections.abc import Iterator

import click
import msgspec
import pytest
from click.testing import CliRunner

from tests.console.asking import NOW_S as CONSOLE_NOW_S
from tests.console.asking import Asking
from tests.console.executions.kept import NOW_S, execution, keeper
from tests.console.pages.shop import fill
from tests.console.store.reader.told import anomaly, incident, scored_log
from tests.console.telling import tell
from tracehound.console.keys.queries import add_key
from tracehound.schemas.application_settings import ApplicationSettings
from tracehound.schemas.codec import encode
from tracehound.schemas.tuning import TuningTask
from tracehound.scripts.cli import COMMANDS, main
from tracehound.scripts.commands import console_options
from tracehound.streams.http.keys import NewKey, digest
from tracehound.streams.settings.settings import CONSOLE_KEY

OF_CONSOLE = (
    *("anomalies", "apps", "completion", "cost", "drift", "explain", "feedback", "incidents list", "incidents show"),
    *("keys list", "keys add", "keys revoke", "logs", "models show", "operations", "train"),
    *("own-settings list", "own-settings set", "own-settings revert"),
    *("tunings list", "tunings show", "tunings cancel", "tunings apply"),
)


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")


def examples_of(command: click.Command) -> list[str]:
    lines = [line.strip() for line in (command.help or "").splitlines()]
    return [line for line in lines if line.startswith("tracehound ")]


ALL = dict(commands(main))
EXAMPLES = [example for name in OF_CONSOLE for example in examples_of(ALL[name])]


def test_every_command_that_asks_the_console_has_examples() -> None:
    assert COMMANDS
    assert [name for name in OF_CONSOLE if not examples_of(ALL[name])] == []
    assert len(EXAMPLES) > 30


class ImpatientClock:
    """Presses Ctrl-C instead of waiting: `--watch` has no end."""

    def sleep(self, _: float) -> None:
        raise KeyboardInterrupt


@pytest.fixture
def shop(console: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """What examples name."""
    fill(console.store)
    event = msgspec.json.decode(anomaly(1))
    event["id"] = "4f2a91c3d7e8f9a0b1c2d3e4f5a6b7c8"
    tell(console.store, "anomalies", msgspec.json.encode(event))
    tell(console.store, "severity", incident("898dd1b3aa", 0, "opened"))
    tell(console.store, "scored_logs", scored_log(40))
    whose = {"application": "shop", "environment": "prod"}
    tell(
        console.store,
        "settings",
        encode(ApplicationSettings(application="shop", environment="prod", version=1, settings={"least_sigma": 5.0})),
    )
    task = {"id": "t1-0", "tuning": "t1", "number": 0, **whose, "settings": {}, "partition": 0, "first": 0, "last": 9}
    until = {"most_cpu_s": 1.0, "expires_at": CONSOLE_NOW_S + 60.0}
    tell(console.store, "tuning_tasks", encode(msgspec.convert(task | until, TuningTask)))
    with console.store.write() as connection:
        add_key(connection, NewKey("", "th_0a1b2c3d", digest("")), "viewer", "old", "test", 0, None)
    kept = keeper(console.store)
    kept.take(0, [execution(NOW_S, "shop", "GET /cart", duration_ms=12.5, environment="prod")], 1)
    kept.store()
    monkeypatch.setenv(CONSOLE_KEY, console.keys["admin"].key)
    monkeypatch.setattr(console_options, "time", ImpatientClock())


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_works(example: str) -> None:
    arguments = shlex.split(example.split(" > ")[0])[1:]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout
    if "--json" in arguments:
        assert isinstance(json.loads(result.stdout), dict)
