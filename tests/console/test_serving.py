"""What the console does before it serves: the first key, shown once, and no listening to others without any."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.checkout import PROJECT
from tests.console.asking import Asking
from tracehound.console.serving import document_of, tell_first_key
from tracehound.console.store.engine import Store
from tracehound.schemas.errors import ConfigurationError
from tracehound.scripts.cli import main
from tracehound.streams.http.keys import digest
from tracehound.streams.settings.console import ConsoleSettings
from tracehound.streams.settings.settings import Settings


def test_the_first_key_is_shown_once(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    tell_first_key(ConsoleSettings(), store)
    told = capsys.readouterr().out
    assert "an admin's" in told
    assert "th_" in told
    tell_first_key(ConsoleSettings(), store)
    assert capsys.readouterr().out == ""


def test_others_are_not_listened_to_without_a_key(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"'console.host' must be an address of loopback"):
        tell_first_key(ConsoleSettings(host="0.0.0.0"), store)
    assert capsys.readouterr().out == ""
    tell_first_key(ConsoleSettings(), store)
    tell_first_key(ConsoleSettings(host="0.0.0.0"), store)


def test_a_key_is_made_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/tracehound.db"
    monkeypatch.setenv("TRACEHOUND_CONSOLE__DATABASE_URL", url)
    made = CliRunner().invoke(main, ["console", "--new-key", "dashboard", "--role", "operator"])
    assert made.exit_code == 0
    store = Store(url)
    with store.read() as connection:
        rows = connection.exec_driver_sql("SELECT sha256, role, name FROM api_keys").all()
    store.close()
    assert [tuple(row) for row in rows] == [(digest(made.output.strip()), "operator", "dashboard")]


def test_the_first_key_is_made_before_it_listens_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/tracehound.db"
    monkeypatch.setenv("TRACEHOUND_CONSOLE__DATABASE_URL", url)
    monkeypatch.setenv("TRACEHOUND_CONSOLE__HOST", "0.0.0.0")
    first, again = (CliRunner().invoke(main, ["console", "--first-key"]) for _ in range(2))
    assert (first.exit_code, again.exit_code, again.output) == (0, 0, "")
    shown = first.output.split()[-1]
    store = Store(url)
    with store.read() as connection:
        rows = connection.exec_driver_sql("SELECT sha256, role FROM api_keys").all()
    tell_first_key(ConsoleSettings(host="0.0.0.0"), store)
    store.close()
    assert [tuple(row) for row in rows] == [(digest(shown), "admin")]
    assert capsys.readouterr().out == ""


def test_the_document_that_is_stored_is_the_one_that_is_served(console: Asking) -> None:
    stored = json.loads((PROJECT / "docs/reference/console.openapi.json").read_text())
    assert stored == json.loads(json.dumps(document_of(Settings()))) == console.client.get("/openapi.json").json()


def test_health_says_whether_it_answers_and_metrics_are_for_who_has_a_key(console: Asking) -> None:
    assert console.client.get("/livez").json() == {"ok": True}
    assert console.client.get("/readyz").json() == {"ok": True}
    assert console.client.get("/metrics").status_code == 401
    key = console.keys["viewer"].key
    assert console.client.get("/metrics", headers={"x-api-key": key}).status_code == 200
