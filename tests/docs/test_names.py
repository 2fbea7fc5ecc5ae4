"""What the pages name is there: files, folders, modules, and what links lead to."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.checkout import PROJECT

ROOMS = ("console", "detectors", "docs", "examples", "findings", "infra", "schemas", "scripts", "streams", "tests")
TO_BE_WRITTEN = {"detectors/distance.py"}
"""The file that a page tells its reader to write."""

_PATH = re.compile(rf"(?<![\w./:-])(?:{'|'.join(ROOMS)})/[\w./*-]*[\w*/]")
_CODE_FILE = re.compile(r"`([\w./-]+\.py)`")
_MODULE = re.compile(r"\btracehound((?:\.(?:detectors|infra|schemas|scripts|streams)(?:\.\w+)*))")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_ANCHOR = re.compile(r'<a (?:id|name)="([^"]+)"')


def pages() -> list[Path]:
    """All pages of the checkout, and the index for language models."""
    within = [page for room in ROOMS for page in (PROJECT / room).rglob("*.md")]
    return sorted({*PROJECT.glob("*.md"), *within, PROJECT / "docs" / "llms.txt"})


def sources() -> list[Path]:
    """Code and configuration, whose comments name files, too."""
    within = [file for room in ROOMS for file in (PROJECT / room).rglob("*.py")]
    return sorted({*within, PROJECT / "pyproject.toml", PROJECT / "Makefile", PROJECT / "docker-compose.yml"})


def is_report(page: Path) -> bool:
    """Reports name the files of the commit that they measured."""
    return page.parent == PROJECT / "docs" / "benchmarks"


def missing_paths(text: str) -> Iterator[str]:
    """Paths from the top of the checkout to files or folders that do not exist."""
    for path in {found.rstrip(".") for found in _PATH.findall(text)} - TO_BE_WRITTEN:
        if not any(PROJECT.glob(path.rstrip("/"))):
            yield path


@cache
def tails() -> frozenset[str]:
    """Every end of the path of every Python file."""
    found = set()
    for room in ROOMS:
        for file in (PROJECT / room).rglob("*.py"):
            parts = file.relative_to(PROJECT).parts
            found |= {"/".join(parts[begin:]) for begin in range(len(parts))}
    return frozenset(found)


def missing_files(text: str) -> Iterator[str]:
    """Names of Python files, in code spans, that are the end of no file's path."""
    yield from set(_CODE_FILE.findall(text)) - tails() - TO_BE_WRITTEN


def missing_modules(text: str) -> Iterator[str]:
    """Modules, or what is in them, that do not exist."""
    for dotted in set(_MODULE.findall(text)):
        parts = [part for part in dotted.strip(".").split(".") if not part.startswith("__")]
        folder = PROJECT
        while parts and (folder / parts[0]).is_dir():
            folder /= parts.pop(0)
        if parts:
            module = folder / f"{parts[0]}.py"
            named = module.read_text() if module.exists() else ""
            if not module.exists() or any(re.search(rf"\b{name}\b", named) is None for name in parts[1:]):
                yield f"tracehound{dotted}"


@cache
def anchors(page: Path) -> frozenset[str]:
    """What links may lead to within a page, as GitHub makes it of headings."""
    text = page.read_text()
    headings = (heading.lower().replace("`", "") for heading in _HEADING.findall(_FENCED.sub("", text)))
    made = [
        re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)).replace(" ", "-")
        for heading in headings
    ]
    return frozenset(made) | frozenset(_ANCHOR.findall(text))


def broken_links(page: Path) -> Iterator[str]:
    """Relative links that lead nowhere."""
    for target in set(_LINK.findall(_FENCED.sub("", page.read_text()))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file.resolve())):
            yield target


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    assert list(broken_links(page)) == []
    if not is_report(page):
        assert [*missing_paths(text), *missing_files(text), *missing_modules(text)] == []


def test_what_comments_and_configuration_name_exists() -> None:
    found = {
        str(file.relative_to(PROJECT)): sorted(missing)
        for file in sources()
        if file != Path(__file__) and (missing := {*missing_paths(text := file.read_text()), *missing_modules(text)})
    }
    assert found == {}


def test_what_does_not_exist_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `title`\n[up](#a-title) [away](#nowhere) [gone](gone.md) [web](https://example.org/x#y)\n")
    assert sorted(broken_links(page)) == ["#nowhere", "gone.md"]
    assert list(missing_paths("`streams/kafka/` and streams/kafka/gone.py, see detectors/*/kernel.py.")) == [
        "streams/kafka/gone.py"
    ]
    assert list(missing_files("`worker/health.py`, `health.py` and `health/worker.py`")) == ["health/worker.py"]
    text = "tracehound.streams.worker.health, tracehound.streams.worker.health.Vitals, tracehound.streams.health"
    assert list(missing_modules(text)) == ["tracehound.streams.health"]
