import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from confluent_kafka import KafkaError, KafkaException

from tracehound.schemas.errors import BrokerError
from tracehound.scripts import cli


def test_help_lists_every_command_without_importing_any() -> None:
    listed = subprocess.run(
        [sys.executable, "-c", "import sys; from tracehound.scripts.cli import main\ntry: main(['--help'])\nfinally: "
         "print(sorted(m for m in sys.modules if m in ('faust', 'numba', 'confluent_kafka', 'sklearn')))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout  # fmt: skip

    assert all(name in listed for name in cli.COMMANDS)
    assert listed.rstrip().endswith("[]")


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_can_be_imported_and_has_help(name: str) -> None:
    result = CliRunner().invoke(cli.main, [name, "--help"])

    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(cli.main, ["explode"])

    assert result.exit_code == 2
    assert "No such command 'explode'" in result.output


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (BrokerError("No broker answers."), "No broker answers."),
        (KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "Denied")), "Kafka refuses: Denied."),
    ],
)
def test_an_expected_error_is_one_sentence_and_status_2(
    monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    @click.group(cls=cli.LazyGroup)
    def group() -> None:
        pass

    @click.command()
    def broken() -> None:
        raise error

    monkeypatch.setattr(group, "get_command", lambda context, name: broken)

    result = CliRunner().invoke(group, ["broken"])

    assert result.exit_code == 2
    assert result.stderr == f"tracehound: {sentence}\n"
    assert result.stdout == ""


@pytest.mark.parametrize("module", ["tracehound", "tracehound.scripts.cli"])
def test_it_runs_as_a_module(module: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", module, "replay", "--offline", "nowhere"], capture_output=True, text=True
    )

    assert result.returncode == 2
    assert result.stderr.startswith("tracehound: nowhere does not exist.")
    assert "Traceback" not in result.stderr
