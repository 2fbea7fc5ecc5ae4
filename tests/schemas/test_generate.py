"""The checked-in documents are current, and the command that writes them."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.checkout import PROJECT
from tracehound.schemas.generate import CONTRACTS, main, outdated
from tracehound.schemas.json_schema import json_schema

CHECKED_IN = PROJECT / "docs" / "contracts"


def test_the_checked_in_documents_are_current() -> None:
    assert outdated(CHECKED_IN) == []


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_json_schema_is_valid(name: str) -> None:
    Draft202012Validator.check_schema(json_schema(CONTRACTS[name]))


def test_check_names_what_differs_and_writing_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "contracts"
    assert main([str(folder)]) == 0
    assert main([str(folder), "--check"]) == 0
    (folder / "asyncapi.json").write_text("{}")
    (folder / "old.schema.json").write_text("{}")
    (folder / "progress.schema.json").unlink()
    assert main([str(folder), "--check"]) == 1
    assert "asyncapi.json, old.schema.json, progress.schema.json." in capsys.readouterr().err
