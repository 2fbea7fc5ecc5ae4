"""Settings of notifications: what is refused before anything starts, and that secrets stay secret."""

from pathlib import Path
from typing import Any

import pytest

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.notify.receivers.apprise_url import AppriseReceiver
from tracehound.streams.notify.receivers.webhook import read_secrets
from tracehound.streams.notify.secrets import read_secret
from tracehound.streams.settings.notify import AppriseUrl, Webhook
from tracehound.streams.settings.settings import load_settings

WEBHOOK = {"kind": "webhook", "url": "http://localhost/", "secret_env": "S"}
ROUTE = {"receivers": ["team"]}

EXAMPLE = """
[notify]
give_up_s = 60

[notify.receivers.team]
kind = "webhook"
url = "https://example.test/incidents"
secret_file = "/run/secrets/webhook"

[notify.receivers.alerts]
kind = "alertmanager"
url = "http://alertmanager:9093"
labels = {team = "shop"}

[[notify.routes]]
receivers = ["alerts"]

[[notify.routes]]
receivers = ["team"]
applications = ["shop-*"]
severity = "major"
hours = {begins = "08:00", ends = "18:00", weekdays = ["mon", "fri"], time_zone = "Europe/Berlin"}
"""


def test_they_come_from_the_file_and_single_ones_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tracehound.toml"
    file.write_text(EXAMPLE)
    monkeypatch.setenv("TRACEHOUND_CONFIG", str(file))
    monkeypatch.setenv("TRACEHOUND_NOTIFY__QUEUE_SIZE", "5")
    notify = load_settings().notify
    assert (notify.give_up_s, notify.queue_size) == (60.0, 5)
    assert {name: receiver.kind for name, receiver in notify.receivers.items()} == {
        "team": "webhook",
        "alerts": "alertmanager",
    }
    assert notify.routes[1].hours is not None
    assert notify.routes[1].hours.hours.weekdays == ("mon", "fri")


@pytest.mark.parametrize(
    ("notify", "sentence"),
    [
        ({"receivers": {"team": WEBHOOK}}, "None names 'team'"),
        ({"routes": [ROUTE]}, "Routes must name receivers that exist. Got 'team'"),
        ({"receivers": {"team": WEBHOOK | {"url": "ftp://x/"}}, "routes": [ROUTE]}, "must be an http or https address"),
        (
            {"receivers": {"team": WEBHOOK | {"url": "http://me:hush@x/"}}, "routes": [ROUTE]},
            "must hold neither user nor password",
        ),
        ({"receivers": {"team": WEBHOOK | {"secret_env": ""}}, "routes": [ROUTE]}, "must have 'secret_env'"),
        (
            {"receivers": {"team": WEBHOOK | {"secret_file": "/s"}}, "routes": [ROUTE]},
            "must not both be there",
        ),
        (
            {"receivers": {"team": WEBHOOK | {"secret_env": "TRACEHOUND_S"}}, "routes": [ROUTE]},
            "must not begin with TRACEHOUND_",
        ),
        (
            {"receivers": {"team": WEBHOOK | {"secret": "x"}}, "routes": [ROUTE]},
            "webhook.secret' is no setting of tracehound. Did you mean",
        ),
        ({"receivers": {"team": WEBHOOK | {"kind": "fax"}}, "routes": [ROUTE]}, "fax"),
        ({"receivers": {"te am": WEBHOOK}, "routes": [ROUTE]}, "te am"),
        (
            {"receivers": {"team": {"kind": "alertmanager", "url": "http://a/", "resend_s": 60, "expire_s": 60}}}
            | {"routes": [ROUTE]},
            "'expire_s' must be at least twice",
        ),
        ({"receivers": {"team": WEBHOOK}, "routes": [ROUTE | {"severity": "grave"}]}, "severity"),
        *(
            ({"receivers": {"team": WEBHOOK}, "routes": [ROUTE | {"hours": hours}]}, sentence)
            for hours, sentence in [
                ({"begins": "8:00", "ends": "18:00"}, "HH:MM"),
                ({"begins": "08:00", "ends": "24:00"}, "HH:MM"),
                ({"begins": "08:00", "ends": "18:00", "time_zone": "Mars/Base"}, "must be an IANA name"),
                ({"begins": "08:00", "ends": "18:00", "time_zone": "../../etc/passwd"}, "must be an IANA name"),
                ({"begins": "08:00", "ends": "18:00", "weekdays": []}, "at least one weekday"),
            ]
        ),
    ],
)
def test_a_wrong_setting_is_named(notify: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(notify=notify)
    assert sentence in str(refused.value)
    assert "hush" not in str(refused.value)


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from the file\n")
    by_env = Webhook.model_validate(WEBHOOK)
    by_file = Webhook.model_validate(WEBHOOK | {"secret_env": "", "secret_file": str(file)})
    assert read_secret("team", by_env, {"S": " from outside\n"}) == "from outside"
    assert read_secret("team", by_file, {}) == "from the file"
    file.write_text("\n")
    for receiver, why in ((by_env, "environment variable 'S'"), (by_file, "Got nothing")):
        with pytest.raises(ConfigurationError, match=why):
            read_secret("team", receiver, {})
    file.unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_secret("team", by_file, {})


@pytest.mark.parametrize("secret", ["", "short", "whsec_", "whsec_not base64 but long enough!", "whsec_c2hvcnQ="])
def test_a_signing_secret_that_is_none_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_secrets(secret, "team")
    assert "'team'" in str(refused.value)
    assert "not base64 but" not in str(refused.value)


@pytest.mark.parametrize("url", ["nonsense://hush-hush", "json://hush-hush/\njson://other/", ""])
def test_an_apprise_url_that_is_none_is_refused_and_not_shown(url: str, caplog: pytest.LogCaptureFixture) -> None:
    settings = AppriseUrl(kind="apprise", secret_env="S")
    with pytest.raises(ConfigurationError) as refused:
        AppriseReceiver("chat", settings, url, 1)
    assert "hush" not in str(refused.value)
    assert "hush" not in caplog.text


def test_a_secret_that_is_given_as_the_file_is_not_shown() -> None:
    receiver = Webhook.model_validate(WEBHOOK | {"secret_env": "", "secret_file": "slack://hunter2/B/C"})
    with pytest.raises(ConfigurationError) as refused:
        read_secret("team", receiver, {})
    assert "hunter2" not in str(refused.value)
