"""Every file of configuration is looked at by who knows its form, and what is wrong is said."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.checkout import PROJECT
from tracehound.scripts.manifests import files


def test_no_file_is_left_out_and_all_are_right() -> None:
    assert files.unjudged() == []
    looked_at, wrong, _ = files.judged({**files.JUDGED, **files.READ})
    assert wrong == []
    assert len(looked_at) > 12


def test_a_dashboard_with_what_grafana_does_not_know_is_wrong(tmp_path: Path) -> None:
    known = (PROJECT / "infra/grafana/dashboards/models.json").read_text()
    file = tmp_path / "models.json"
    file.write_text(known.replace('"refresh"', '"refreshes"'))
    assert "do not know" in files.JUDGED["infra/grafana/dashboards/*.json"](file)


@pytest.mark.parametrize("wrong", ["services: {worker: {imagine: tracehound}}\n", "services: []\n"])
def test_a_file_of_compose_that_its_specification_does_not_allow_is_wrong(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "docker-compose.yml"
    file.write_text(wrong)
    assert files.JUDGED["docker-compose.yml"](file)


def test_a_missing_tool_is_said_and_is_a_failure_where_all_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = files._by("no-such-tool")
    monkeypatch.setattr(files, "JUDGED", {**files.JUDGED, "docker-compose.yml": judge})
    for ci, status in (("", 0), ("true", 1)):
        result = CliRunner().invoke(files.main, env={"CI": ci})
        assert (result.exit_code, "COULD NOT RUN: no-such-tool" in result.output) == (status, True)
