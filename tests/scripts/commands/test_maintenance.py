"""The command `maintenance` against the embedded broker, and windows as they are read back."""

import time
from collections.abc import Callable

import click
import msgspec
import pytest

from tests.scripts.conftest import Run
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.feedback import Maintenance
from tracehound.schemas.progress import Progress
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.maintenance import known_windows, maintenance
from tracehound.scripts.commands.moments import Duration

Command = Callable[..., str]


class Message:
    """A record that holds ``window``, or other bytes."""

    def __init__(self, window: Maintenance | bytes | None) -> None:
        self.value = msgspec.json.encode(window) if isinstance(window, Maintenance) else window


@pytest.fixture
def command(run: Run) -> Command:
    def invoke(*arguments: str) -> str:
        result = run(maintenance, *arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_windows_are_announced_listed_and_ended(topics: Topics, command: Command) -> None:
    assert topics.maintenance.partitions == 3
    added = command("add", "--for", "2h", "--application", "shop", "--environment", "test", "--learn", "--id", "now")
    command(
        "add",
        "--from",
        "2999-01-01T00:00:00Z",
        "--until",
        "2999-01-01T02:00:00Z",
        "--id",
        "later",
        "--note",
        "\x1b[31m",
    )
    listed = command("list")
    shown = {line.split()[1]: line for line in listed.splitlines() if line.startswith("│")}

    assert added.startswith("now: shop in test from ")
    assert all(text in shown["now"] for text in ("open", "shop", "test", "yes"))
    assert all(text in shown["later"] for text in ("announced", "2999-01-01T02:00:00.000Z", "(all)", "\\x1b[31m"))

    assert "has ended" in command("end", "now")
    assert "is withdrawn" in command("end", "later")
    assert "now" not in command("list")
    everything = command("list", "--all")
    assert "over" in everything
    assert "later" not in everything
    with pytest.raises(
        TracehoundError,
        match="There is no id of a maintenance window that is open or announced that is, or begins with, 'now'",
    ):
        command("end", "now")


def test_without_an_environment_it_is_for_all_and_ends_by_the_beginning_of_its_id(
    topics: Topics, command: Command
) -> None:
    assert topics.maintenance.partitions == 3
    added = command("add", "--for", "2h")
    window_id = added.split(":")[0]

    assert f"{window_id}: all applications in all environments from " in added
    assert command("end", window_id[:5]) == f"{window_id} has ended.\n"


def test_an_application_that_nobody_knows_is_refused(
    topics: Topics, send: Callable[..., None], command: Command
) -> None:
    scored = Progress("shop", "prod", "2026-01-01T00:00:00Z", 1, 0, 0, {})
    send(topics.progress.name, msgspec.json.encode(scored), key=b"shop")

    for wrong, meant in ((["--application", "shpo"], "shop"), (["--environment", "prd"], "prod")):
        with pytest.raises(TracehoundError, match=rf"Did you mean '{meant}'\?"):
            command("add", "--for", "2h", *wrong)
    assert "shop in prod" in command("add", "--for", "2h", "--application", "shop", "--environment", "prod")


@pytest.mark.parametrize("arguments", [[], ["--for", "1h", "--until", "2999-01-01T00:00:00Z"]])
def test_it_must_be_said_how_long_but_once(run: Run, arguments: list[str]) -> None:
    result = run(maintenance, "add", *arguments)

    assert result.exit_code == 2
    assert "Say how long with --for, or until when with --until, but not both." in result.output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--until", "2h"], "must end after it begins"),
        (["--from", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"], "must end after it begins"),
        (["--until", "9999-12-31T00:00:00Z"], "This cannot be sent: .*ends_at"),
        (["--for", "1h", "--application", "x" * 201], "This cannot be sent: .*application"),
        (["--for", "1h", "--id", "x" * 201], "This cannot be sent: .*window_id"),
    ],
)
def test_windows_that_make_no_sense_are_refused_before_they_are_sent(run: Run, arguments: list[str], why: str) -> None:
    with pytest.raises(TracehoundError, match=why):
        run(maintenance, "add", *arguments, catch_exceptions=False)


@pytest.mark.parametrize("text", ["", "2", "0h", "-2h", "2 h", "1000001s", "9" * 400 + "d"])
def test_a_duration_is_a_number_with_a_unit(text: str) -> None:
    with pytest.raises(click.BadParameter, match="such as 30m, 2h or 1d"):
        Duration().convert(text, None, None)


def test_the_last_record_of_a_window_counts_and_others_are_passed_over() -> None:
    now_s = time.time()
    first, last = Maintenance("a", now_s, now_s + 60.0), Maintenance("a", now_s, now_s + 120.0)
    other, back = Maintenance("b", now_s, now_s + 1.0), Maintenance("b", now_s, now_s + 1.0, withdrawn=True)
    empty = Maintenance("c", 5.0, 5.0)
    given: list[Maintenance | bytes | None] = [first, other, b"{", None, b'{"window_id": 7}', last, back, empty]

    assert known_windows([Message(one) for one in given]) == {"a": last}
