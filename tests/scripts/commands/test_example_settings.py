"""The example of a configuration file is current, changes nothing as it is, and is right once its # are gone."""

import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.checkout import PROJECT
from tracehound.scripts.commands.example_settings import example, settings_command
from tracehound.streams.settings.catalogue import every_setting
from tracehound.streams.settings.settings import Settings, load_settings

FILE = PROJECT / "docs" / "reference" / "tracehound.toml"


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(("TRACEHOUND_", "KAFKA_")):
            monkeypatch.delenv(name)


@pytest.fixture
def defaults() -> Settings:
    return Settings()


def loaded(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    file = folder / "tracehound.toml"
    file.write_text(text)
    monkeypatch.setenv("TRACEHOUND_CONFIG", str(file))
    return load_settings()


def test_the_file_in_the_repository_is_current() -> None:
    assert FILE.read_text() == example() == CliRunner().invoke(settings_command).output


def test_it_has_every_setting_once_with_what_it_means_beside_it() -> None:
    lines = [line for line in example().splitlines() if re.match(r"#\w+ = ", line)]
    settings = list(every_setting(Settings))

    assert [line[1:].split(" = ")[0] for line in lines] == [setting.name for setting in settings]
    assert all(
        f"  # {setting.meaning}" in line.replace("not set by default; ", "")
        for setting, line in zip(settings, lines, strict=True)
    )
    assert len(settings) > 80


def test_as_it_is_it_changes_nothing(defaults: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(example(), tmp_path, monkeypatch) == defaults


def test_every_line_is_right_without_its_mark(
    defaults: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = re.sub(r"^#(?=\w+ = )", "", example(), flags=re.MULTILINE)
    settings = loaded(text, tmp_path, monkeypatch)
    found, usual = settings.model_dump(), defaults.model_dump()

    assert len(tomllib.loads(text)) > 30
    for setting in every_setting(Settings):
        if setting.default is None:
            part = found[setting.part] if setting.part else found
            assert (setting.path, str(part.pop(setting.name))) == (setting.path, setting.examples[0])
            (usual[setting.part] if setting.part else usual).pop(setting.name)
    assert found == usual
