"""Commands that ask the console, against a real one over HTTP: tables, JSON, refusals, and text that is hostile."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.console.asking import Asking
from tests.console.pages.shop import fill
from tracehound.schemas.errors import ConfigurationError
from tracehound.scripts.cli import main
from tracehound.scripts.console.client import console_client
from tracehound.streams.settings.settings import CONSOLE_KEY, CONSOLE_KEY_FILE, CONSOLE_URL, load_settings

HOSTILE = "shop\x1b]0;owned\x07\u202e[bold]"


def said(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == status, result.output
    return result


def test_what_the_console_keeps_is_told_to_people_and_programs(console: Asking) -> None:
    fill(console.store)
    (event,) = console.get("/anomalies")["items"]
    assert json.loads(said("anomalies", "--json").stdout) == {"items": [event]}
    assert json.loads(said("apps", "--json").stdout) == {"items": console.get("/applications")["items"]}
    assert json.loads(said("anomalies", "--until", "2000-01-01T00:00:00Z", "--json").stdout) == {"items": []}
    table = said("anomalies", "--application", "shop", "--severity", "major").stdout
    assert event["id"][:8] in table
    assert event["data"]["reason"] in table
    assert {line.split()[0] for line in said("apps").stdout.splitlines()[1:]} == {"shop", "stock"}

    explained = said("explain", event["id"][:8], "--rows", "3").stdout
    usual = explained.index("A usual one, on the same scale:")
    call = next(line for line in explained[:usual].splitlines() if line.startswith("  GET shop"))
    assert call.endswith("400 ms, usually 50 ms, of which 360 ms call gap, failed")
    assert "38 shorter segments are not shown." in explained[:usual]
    assert "100 ms" in explained[usual:]
    both = json.loads(said("explain", event["id"], "--json").stdout)
    assert both == {"anomaly": event, "exemplar": console.get(f"/exemplars/{event['id']}")}


def test_text_of_others_steers_no_terminal(console: Asking) -> None:
    fill(console.store, HOSTILE)
    (event,) = console.get("/anomalies")["items"]
    for arguments in (["apps"], ["anomalies"], ["explain", event["id"]]):
        for told in (said(*arguments).stdout, said(*arguments, "--json").stdout):
            assert not {"\x1b", "\x07", "\u202e"} & set(told)
        assert r"shop\x1b]0;owned\x07\u202e[bold]" in said(*arguments).stdout


def test_refusals_are_told_as_the_console_says_them(console: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no id of an anomaly" in said("explain", "4f2a", status=7).stderr
    monkeypatch.setenv(CONSOLE_KEY, "wrong")
    detail = console.client.get("/api/v1/applications", headers={"authorization": "Bearer wrong"}).json()["detail"]
    refused = said("apps", status=6).stderr
    assert refused.startswith(f"tracehound: {detail}")
    assert CONSOLE_KEY_FILE in refused


def test_the_key_may_be_in_a_file(console: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text(console.keys["viewer"].key + "\n")
    monkeypatch.delenv(CONSOLE_KEY)
    monkeypatch.setenv(CONSOLE_KEY_FILE, str(file))
    assert said("apps").exit_code == 0
    monkeypatch.setenv(CONSOLE_KEY_FILE, str(tmp_path / "none"))
    assert CONSOLE_KEY_FILE in said("apps", status=2).stderr


def test_nobody_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONSOLE_URL, "http://127.0.0.1:1")
    assert said("apps", status=5).stderr.startswith("tracehound: No console answers at http://127.0.0.1:1 (")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "127.0.0.1:8420", "http://me:secret@host", "http://h:x", "http://[", "http://h/?a"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match=CONSOLE_URL) as refused:
        console_client({CONSOLE_URL: url})
    assert "secret" not in str(refused.value)


def test_a_key_that_would_forge_headers_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=CONSOLE_KEY) as refused:
        console_client({CONSOLE_KEY: "secret\r\nHost: other"})
    assert "secret" not in str(refused.value)


def test_other_commands_take_no_offence_at_these_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (CONSOLE_URL, CONSOLE_KEY, CONSOLE_KEY_FILE):
        monkeypatch.setenv(name, "given")
    load_settings()
