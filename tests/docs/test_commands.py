"""Commands of the pages exist and take the arguments that are shown; each of tracehound's is also run by a test."""

import importlib.util
import re

import click
import pytest

from tests.checkout import PROJECT
from tests.docs.documented_commands import documented, words
from tests.end_to_end.test_documented_commands import RUN_HERE
from tracehound.scripts.cli import main

MAKEFILE = (PROJECT / "Makefile").read_text()
PLACEHOLDERS = {"FILE": "README.md", "REST": "1", "…": "1"}
EVERY = sorted({command for _, command in documented()})


RUN_ELSEWHERE = {
    **dict.fromkeys(("worker", "intake", "incidents"), "tests/infra/test_compose.py"),
    **dict.fromkeys(("anomalies", "apps", "explain", "operations"), "tests/scripts/console/test_examples.py"),
    **dict.fromkeys(
        ("own-settings", "own-settings list", "tunings", "tunings list"), "tests/scripts/console/test_examples.py"
    ),
    **dict.fromkeys(("keys add", "completion"), "tests/scripts/console/test_examples.py"),
    "acls": "tests/end_to_end/test_access.py",
    "check": "tests/scripts/commands/test_check.py",
    "compile": "tests/examples/test_examples.py",
    "size": "tests/scripts/sizing/test_sizing.py",
    "status": "tests/end_to_end/test_readme_blocks.py",
    "topics": "tests/end_to_end/test_secured.py",
    "console": "tests/end_to_end/test_console.py",
    "deadletters": "tests/scripts/commands/test_deadletters.py",
    "demo": "tests/end_to_end/test_readme_blocks.py",
    "feedback": "tests/scripts/commands/test_feedback.py",
    "models reset": "tests/end_to_end/test_models_command.py",
    "models import": "tests/end_to_end/test_models_command.py",
    "models export": "tests/end_to_end/test_models_command.py",
    "drill": "tests/end_to_end/test_drill.py",
    "init": "tests/scripts/commands/test_init.py",
    "maintenance": "tests/scripts/commands/test_maintenance.py",
    "mcp": "tests/scripts/assistants/test_samples.py",
    "migrate": "tests/end_to_end/test_migrate.py",
    "models": "tests/end_to_end/test_models_command.py",
    "notify": "tests/end_to_end/test_notify.py",
    "replay": "tests/scripts/commands/test_replay.py",
    "simulate": "tests/scripts/commands/test_simulate.py",
    "tune": "tests/end_to_end/test_tuning.py",
    "gateway": "tests/end_to_end/test_gateway.py",
    "tail": "tests/scripts/commands/test_tail.py",
    "up": "tests/end_to_end/test_readme_blocks.py",
    "validate": "tests/scripts/commands/test_validate.py",
}
"""What runs until it is stopped, or needs what that test has: the command with its group, and the test that runs it."""


def parsed(arguments: list[str]) -> str:
    """The command that takes these arguments, or has an option that is named without its value.

    Raises:
        click.UsageError: none does.
    """
    command: click.Command = main
    context = click.Context(main, info_name="tracehound")
    path = []
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        name, found, arguments = command.resolve_command(context, arguments)
        assert name is not None
        assert found is not None
        path.append(name)
        command, context = found, click.Context(found, info_name=name, parent=context)
    if arguments and not isinstance(command, click.Group):
        try:
            command.make_context(path[-1], [PLACEHOLDERS.get(one, one) for one in arguments])
        except click.MissingParameter:
            return " ".join(path)
        except click.BadOptionUsage as error:
            if "requires an argument" not in error.message:
                raise
    return " ".join(path)


def test_there_are_many_and_from_many_pages() -> None:
    assert len(EVERY) > 120
    assert len({page for page, _ in documented()}) > 25


@pytest.mark.parametrize("command", [one for one in EVERY if one.startswith("tracehound ")])
def test_tracehound_takes_it(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    assert parsed(words(command))


@pytest.mark.parametrize("command", [one for one in EVERY if one.startswith("make ")])
def test_make_knows_it(command: str) -> None:
    target, *variables = words(command)
    assert re.search(rf"^{re.escape(target)}:", MAKEFILE, re.MULTILINE)
    for one in variables:
        assert f"$({one.partition('=')[0]}" in MAKEFILE


@pytest.mark.parametrize("command", [one for one in EVERY if one.startswith("python -m tracehound.")])
def test_python_finds_it(command: str) -> None:
    module = words(command)[1]
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.submodule_search_locations is None or importlib.util.find_spec(f"{module}.__main__")


def test_each_of_them_is_run_by_a_test() -> None:
    shown = {one: parsed(words(one)) for one in EVERY if one.startswith("tracehound ")}
    left = {path for one, path in shown.items() if one not in RUN_HERE}
    assert sorted(left - RUN_ELSEWHERE.keys()) == []
    for path, file in RUN_ELSEWHERE.items():
        assert re.search(rf"\b{path.split()[-1].replace('-', '.')}\b", (PROJECT / file).read_text()), f"{file}: {path}"
