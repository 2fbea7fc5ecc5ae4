"""What commands do on a terminal: colours or none, again and again until Ctrl-C, and completion by a shell."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import PROJECT
from tests.console.asking import Asking
from tests.console.pages.shop import fill
from tracehound.scripts.cli import COMMANDS
from tracehound.streams.settings.settings import CONSOLE_URL

PROGRAM = [sys.executable, "-m", "tracehound"]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT), **more}


def output(*arguments: str, **more: str) -> str:
    return subprocess.run(
        [*PROGRAM, *arguments], env=environment(**more), capture_output=True, text=True, check=True, timeout=120
    ).stdout


def test_no_color_means_none(console: Asking) -> None:
    fill(console.store)
    assert "\x1b[1;31m" in output("anomalies", FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="")
    assert "31m" not in output("anomalies", FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="1")
    assert "\x1b" not in output("anomalies")


def test_it_watches_until_ctrl_c(console: Asking) -> None:
    fill(console.store)
    command = [*PROGRAM, "anomalies", "--json", "--watch", "0.1"]
    watching = subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # whoever runs tests may ignore it
    )
    try:
        assert watching.stdout is not None
        first, second = (json.loads(watching.stdout.readline()) for _ in range(2))
        assert first == second == {"items": console.get("/anomalies")["items"]}
        watching.send_signal(signal.SIGINT)
        _, complaints = watching.communicate(timeout=120)
    finally:
        watching.kill()
    assert (watching.returncode, complaints) == (0, "")


def test_a_watch_that_cannot_begin_ends() -> None:
    command = [*PROGRAM, "apps", "--watch"]
    ended = subprocess.run(
        command, env=environment(**{CONSOLE_URL: "http://127.0.0.1:1"}), capture_output=True, timeout=120
    )
    assert ended.returncode == 5


def completed(words: str) -> list[str]:
    """What bash is offered behind these words."""
    parts = words.split(" ")
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(parts) - 1), "_TRACEHOUND_COMPLETE": "bash_complete"}
    script = (
        "import sys; from tracehound.scripts.cli import main\n"
        "try: main(prog_name='tracehound')\n"
        "finally: print({'faust', 'numba', 'sqlalchemy', 'mcp'} & set(sys.modules) or 'none', file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment(**asked), capture_output=True, text=True, timeout=120
    )
    assert ended.stderr.strip() == "none"
    return [line.partition(",")[2] for line in ended.stdout.splitlines()]


def test_a_shell_completes_commands_without_importing_them() -> None:
    assert completed("tracehound ") == sorted(COMMANDS)
    assert completed("tracehound in") == ["incidents", "init", "intake"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("tracehound anomalies --sev", ["--severity"]),
        ("tracehound anomalies --severity ma", ["major"]),
        ("tracehound keys re", ["revoke"]),
    ],
)
def test_options_and_their_values_are_completed(words: str, offered: list[str]) -> None:
    assert completed(words) == offered


def test_bash_takes_the_script(tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(output("completion", "bash"))
    checked = subprocess.run(["bash", "-c", f". {script} && complete -p tracehound"], capture_output=True, text=True)
    assert "_tracehound_completion" in checked.stdout
