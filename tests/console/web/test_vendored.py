"""What is served and was published by others is as they published it, and says where it comes from."""

import hashlib
import tomllib
from pathlib import Path

import pytest

from tests.checkout import PROJECT

STATIC = PROJECT / "console" / "web" / "static"
SOURCES = sorted(STATIC.rglob("source.toml"))


def test_something_is_vendored() -> None:
    assert [one.parent.name for one in SOURCES] == ["uplot"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.parent.name)
def test_vendored_files_are_as_published(source: Path) -> None:
    told = tomllib.loads(source.read_text())
    found = {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in source.parent.iterdir() if one != source}
    assert found == told["sha256"]
    assert {"LICENSE"} < set(found)
    assert f"{told['name']} {told['version']} ({told['license']})" in (PROJECT / "docs/dependencies.md").read_text()
