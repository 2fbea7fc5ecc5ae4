"""The settings of assistants that the documentation shows."""

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner

from tests.checkout import PROJECT
from tracehound.scripts.commands.mcp import mcp
from tracehound.streams.settings.settings import CONSOLE_KEY, CONSOLE_KEY_FILE, CONSOLE_URL

PAGE = (PROJECT / "docs/how-to/ask-with-an-assistant.md").read_text()
SAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def test_there_are_some() -> None:
    assert len(SAMPLES) == 4


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_starts_the_server_with_the_key_out_of_the_arguments(sample: str) -> None:
    settings: dict[str, Any] = json.loads(sample)
    ((name, server),) = (settings.get("mcpServers") or settings["servers"]).items()
    assert (name, server["command"], server["args"]) == ("tracehound", "tracehound", ["mcp"])
    assert CONSOLE_URL in server["env"]
    assert server["env"].keys() - {CONSOLE_URL} in ({CONSOLE_KEY}, {CONSOLE_KEY_FILE})
    assert server["env"].get(CONSOLE_KEY, "${").startswith("${")


def test_every_tool_is_on_the_page() -> None:
    from tracehound.scripts.assistants import applications, findings, judging
    from tracehound.scripts.assistants.asking import Asking
    from tracehound.scripts.console.client import ConsoleClient

    asking = Asking(ConsoleClient("http://127.0.0.1:1", ""))
    rooms = (findings.tools, applications.tools, judging.reading_tools, judging.changing_tools)
    assert {f"`{one.__name__}`" for room in rooms for one in room(asking)} <= set(re.findall(r"`\w+`", PAGE))


def test_there_is_no_option_for_a_key() -> None:
    assert "key" not in " ".join(option for one in mcp.params for option in one.opts)
    assert CliRunner().invoke(mcp, ["--most-bytes", "10"]).exit_code == 2
