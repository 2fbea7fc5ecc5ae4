"""The command that writes generated parts, and the figures in our own pages."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.checkout import PROJECT
from tracehound.scripts.documents.__main__ import generated, main
from tracehound.scripts.documents.blocks import names_in
from tracehound.scripts.documents.measured import Measured

MEASURED = PROJECT / "docs/benchmarks"
PAGES = [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")]


def test_stale_parts_are_noticed_and_mended(tmp_path: Path) -> None:
    page = tmp_path / "deep" / "page.md"
    page.parent.mkdir()
    parts = (f"<!-- {name}: begin -->\nold\n<!-- {name}: end -->\n" for name in ("settings", "figures-nab"))
    page.write_text("before\n" + "".join(parts))
    arguments = [str(tmp_path), "--measured", str(MEASURED)]
    told = CliRunner().invoke(main, [*arguments, "--check"])
    assert told.exit_code == 1
    assert str(page) in told.output
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert CliRunner().invoke(main, [*arguments, "--check"]).exit_code == 0
    assert page.read_text().startswith("before\n")


def test_a_page_with_an_unknown_part_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- nothing: begin -->\n<!-- nothing: end -->")
    told = CliRunner().invoke(main, [str(page), "--measured", str(MEASURED)])
    assert told.exit_code == 1
    assert "page.md" in told.output
    assert "'nothing'" in told.output


def test_every_part_is_shown_somewhere() -> None:
    shown = {name for page in PAGES for name in names_in(page.read_text(encoding="utf-8"))}
    assert set(generated(MEASURED)) == shown


@pytest.mark.parametrize("file", sorted(MEASURED.glob("*.json")), ids=lambda file: file.stem)
def test_every_file_of_figures_says_what_was_measured_and_when(file: Path) -> None:
    figures = Measured(file.parent).of(file.stem)
    assert figures["commit"]
    assert figures["date"].startswith("20")


def test_a_changed_figure_makes_a_page_stale(tmp_path: Path) -> None:
    folder = tmp_path / "measured"
    folder.mkdir()
    for file in MEASURED.glob("*.json"):
        (folder / file.name).write_bytes(file.read_bytes())
    changed = (folder / "nab.json").read_text().replace("70.24", "71.24")
    assert "71.24" in changed
    (folder / "nab.json").write_text(changed)
    page = str(PROJECT / "docs/quality.md")
    assert CliRunner().invoke(main, [page, "--measured", str(MEASURED), "--check"]).exit_code == 0
    assert CliRunner().invoke(main, [page, "--measured", str(folder), "--check"]).exit_code == 1
