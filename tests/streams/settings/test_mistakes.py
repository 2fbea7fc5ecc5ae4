"""A misspelt setting is refused with what was meant, in the file as in the environment."""

from pathlib import Path

import pytest

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.settings.catalogue import every_setting
from tracehound.streams.settings.settings import Settings, load_settings

ROUTE = '[[notify.routes]]\nreceivers = ["pager"]\n'
RECEIVER = '[notify.receivers.pager]\nkind = "webhook"\nurl = "https://hooks.example"\nsecret_env = "HOOK"\n'


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(("TRACEHOUND_", "KAFKA_")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("content", "sentences"),
    [
        ("group_ip = 'x'", ["'group_ip' is no setting of tracehound. Did you mean 'group_id'?"]),
        ("[detecton]\nalarm_budget = 1", ["'detecton' is no setting of tracehound. Did you mean 'detection'?"]),
        (
            "[detection]\nalarm_bugdet = 1",
            ["'detection.alarm_bugdet' is no setting of tracehound. Did you mean 'detection.alarm_budget'?"],
        ),
        (
            "alarm_budget = 1",
            ["'alarm_budget' is no setting of tracehound. Did you mean 'detection.alarm_budget'?"],
        ),
        (
            "[intake]\ntrace_wait = 1\n[incidents]\njoins_s = 2",
            [
                "'intake.trace_wait' is no setting of tracehound. Did you mean 'intake.trace_wait_s'?",
                "'incidents.joins_s' is no setting of tracehound. Did you mean 'incidents.join_s'?",
            ],
        ),
        (
            RECEIVER + "timeout = 3\n" + ROUTE,
            [
                "'notify.receivers.pager.webhook.timeout' is no setting of tracehound. "
                "Did you mean 'notify.receivers.pager.webhook.timeout_s'?"
            ],
        ),
        (
            RECEIVER + ROUTE + "severty = 'major'",
            ["'notify.routes.0.severty' is no setting of tracehound. Did you mean 'notify.routes.0.severity'?"],
        ),
        (
            RECEIVER + ROUTE + "hours = {begin = '08:00', ends = '18:00'}",
            ["'notify.routes.0.hours.begin' is no setting of tracehound. Did you mean 'notify.routes.0.hours.begins'?"],
        ),
        ("xyzzy = 1", ["'xyzzy' is no setting of tracehound."]),
    ],
)
def test_in_the_file(content: str, sentences: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tracehound.toml"
    file.write_text(content)
    monkeypatch.setenv("TRACEHOUND_CONFIG", str(file))
    with pytest.raises(ConfigurationError) as refused:
        load_settings()

    for sentence in sentences:
        assert sentence in str(refused.value).splitlines()


def test_every_setting_is_known_in_the_environment_and_its_misspelling_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in every_setting(Settings):
        if isinstance(setting.default, str | int | float) and setting.name != "secret":
            variable = f"TRACEHOUND_{setting.path.replace('.', '__').upper()}"
            monkeypatch.setenv(variable, str(setting.default))
    load_settings()

    monkeypatch.setenv("TRACEHOUND_DETECTION__ALARM_BUDGT", "1")
    with pytest.raises(ConfigurationError, match=r"Did you mean TRACEHOUND_DETECTION__ALARM_BUDGET\?"):
        load_settings()


OF_APPRISE = '[notify.receivers.chat]\nkind = "apprise"\n'
OF_WEBHOOK = '[notify.receivers.chat]\nkind = "webhook"\nsecret_env = "X"\n'
CHAT = '[[notify.routes]]\nreceivers = ["chat"]'
PRINTING = {
    "misspelt": 'sasl_pasword = "hunter2"',
    "in a table": '[sasl]\npassword = "hunter2"',
    "as a table": '[sasl_password]\nis = "hunter2"',
    "as an array": 'sasl_username = ["me", "hunter2"]',
    "of the wrong type": "sasl_password = ['hunter2']",
    "in a receiver": f'{OF_APPRISE}secret = "slack://hunter2/B/C"\n{CHAT}',
    "of another kind": f'{OF_APPRISE}url = "slack://hunter2/B/C"\n{CHAT}',
    "of an unknown kind": f'[notify.receivers.chat]\nkind = "slack"\ntoken = "hunter2"\n{CHAT}',
    "instead of a receiver": f'[notify.receivers]\nchat = "slack://hunter2/B/C"\n{CHAT}',
    "as a receiver's name": '[notify.receivers."slack://hunter2/B/C"]\nkind = "apprise"\nsecret_env = "X"',
    "as a variable": f'{OF_APPRISE}secret_env = "slack://hunter2/B/C"\n{CHAT}',
    "as a variable in small letters": f'{OF_APPRISE}secret_env = "hunter2"\n{CHAT}',
    "in an address": f'{OF_WEBHOOK}url = "htps://me.example/hunter2?token=hunter2"\n{CHAT}',
    "in an address that is none": f'{OF_WEBHOOK}url = "hunter2"\n{CHAT}',
    "in an address with a wrong port": f'{OF_WEBHOOK}url = "https://[hunter2"\n{CHAT}',
    "as a number's neighbour": f'{OF_APPRISE}secret_env = "X"\ntimeout_s = "hunter2"\n{CHAT}',
}


@pytest.mark.parametrize("content", PRINTING.values(), ids=list(PRINTING))
def test_a_secret_at_the_wrong_place_is_not_shown(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tracehound.toml"
    file.write_text(content)
    monkeypatch.setenv("TRACEHOUND_CONFIG", str(file))
    with pytest.raises(ConfigurationError) as refused:
        load_settings()

    assert "hunter2" not in str(refused.value)


def test_what_can_be_no_secret_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tracehound.toml"
    file.write_text("http_port = 70000")
    monkeypatch.setenv("TRACEHOUND_CONFIG", str(file))
    with pytest.raises(ConfigurationError, match="Got 70000 instead"):
        load_settings()
