"""The table of settings names every setting, and a stale one is noticed."""

import dataclasses
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.settings_table import BEGIN, END, main, table, with_table
from tracehound.streams.settings.intake import IntakeSettings
from tracehound.streams.settings.notify import NotifySettings
from tracehound.streams.settings.settings import Settings


def test_every_setting_is_in_the_table() -> None:
    shown = table()
    names = [*Settings.model_fields, *IntakeSettings.model_fields, *NotifySettings.model_fields]
    names += [setting.name for setting in dataclasses.fields(DetectionSettings)]
    groups = {"detection", "incident_worker", "incidents", "intake", "notify"}
    assert [name for name in names if name not in groups and f"| `{name}` |" not in shown] == []


def test_a_stale_table_is_noticed_and_mended(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert CliRunner().invoke(main, [str(readme), "--check"]).exit_code == 1
    assert CliRunner().invoke(main, [str(readme)]).exit_code == 0
    assert CliRunner().invoke(main, [str(readme), "--check"]).exit_code == 0
    assert readme.read_text().startswith("before\n")
    assert readme.read_text().endswith("after\n")


def test_a_file_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="must have the lines"):
        with_table("nothing")
