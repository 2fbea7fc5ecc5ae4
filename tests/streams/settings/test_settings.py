"""Settings: where they come from, and the sentence that a wrong one gets."""

from pathlib import Path

import pytest

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.settings.settings import load_settings


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(("TRACEHOUND_", "KAFKA_")):
            monkeypatch.delenv(name)


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tracehound.toml"
    file.write_text('group_id = "from-file"\npartitions = 7\n[detection]\nleast_sigma = 5.0\n')
    monkeypatch.setenv("TRACEHOUND_CONFIG", str(file))
    monkeypatch.setenv("TRACEHOUND_PARTITIONS", "9")
    monkeypatch.setenv("TRACEHOUND_DETECTION__REST_S", "60")
    settings = load_settings()
    assert (settings.group_id, settings.partitions, settings.http_port) == ("from-file", 9, 8780)
    assert (settings.detection.least_sigma, settings.detection.rest_s) == (5.0, 60.0)


def test_the_common_name_of_the_brokers_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "broker:1")
    assert load_settings().bootstrap_servers == "broker:1"


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("TRACEHOUND_HTTP_PORT", "99999", "The setting 'http_port' is wrong"),
        ("TRACEHOUND_LOG_LEVEL", "loud", "The setting 'log_level' is wrong"),
        (
            "TRACEHOUND_DETECTION__LEAST_SIGMA",
            "-1",
            "The setting 'least_sigma' must be from 3 to 40. Got -1.0 instead.",
        ),
        (
            "TRACEHOUND_HTP_PORT",
            "1",
            "TRACEHOUND_HTP_PORT is no setting of tracehound. Did you mean TRACEHOUND_HTTP_PORT?",
        ),
        ("TRACEHOUND_CONFIG", "/nowhere.toml", "which does not exist"),
    ],
)
def test_a_wrong_setting_is_named(variable: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert sentence in str(refused.value)


@pytest.mark.parametrize("content", ["nonsense = = 1", "unknown_setting = 1", "partitions = 'many'"])
def test_a_wrong_file_is_refused(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tracehound.toml"
    file.write_text(content)
    monkeypatch.setenv("TRACEHOUND_CONFIG", str(file))
    with pytest.raises(ConfigurationError):
        load_settings()


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEHOUND_SASL_PASSWORD", "hush-hush")
    assert "hush-hush" not in repr(load_settings())
