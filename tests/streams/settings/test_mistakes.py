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
