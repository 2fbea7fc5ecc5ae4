"""Figures of the source tree."""

from collections.abc import Iterable
from pathlib import Path

import grimp

PACKAGE = "tracehound"
DETECTORS = f"{PACKAGE}.detectors"
SOURCES = ("schemas", "detectors", "streams", "console", "infra", "scripts")
CONTRACT = "contract"
"""The room of what lies in ``detectors/`` itself: the contract that a newcomer reads first."""


def room_of(module: str) -> str:
    """The room of ``detectors/`` that a module is in.

    >>> room_of("tracehound.detectors.charts.kernel"), room_of("tracehound.detectors.bank")
    ('charts', 'contract')
    """
    inside = module.removeprefix(f"{DETECTORS}.").split(".")
    return inside[0] if len(inside) > 1 else CONTRACT


def imports_between_rooms() -> int:
    """How many pairs of rooms there are of which one imports the other."""
    graph = grimp.build_graph(PACKAGE)
    modules = graph.find_descendants(DETECTORS)
    packages = {module for module in modules if graph.find_children(module)}
    pairs = {
        (room_of(module), room_of(imported))
        for module in modules - packages
        for imported in graph.find_modules_directly_imported_by(module) & (modules - packages)
    }
    return sum(one != other for one, other in pairs)


def python_files(folders: Iterable[Path]) -> list[Path]:
    """All Python files below the folders."""
    return [file for folder in folders for file in sorted(folder.rglob("*.py"))]


def lines_of(file: Path) -> int:
    """How many lines a file has."""
    return len(file.read_text(encoding="utf-8").splitlines())


def tree_figures(project: Path) -> dict[str, float | int | str]:
    """Figures of the tree at ``project``."""
    sources = python_files(project / name for name in SOURCES)
    tests = python_files([project / "tests"])
    longest = max(sources + tests, key=lines_of)
    source_lines, test_lines = (sum(map(lines_of, files)) for files in (sources, tests))
    return {
        "imports_between_detectors_packages": imports_between_rooms(),
        "detectors_flat_files": sum(file.name != "__init__.py" for file in (project / "detectors").glob("*.py")),
        "longest_file_lines": lines_of(longest),
        "longest_file": longest.relative_to(project).as_posix(),
        "source_lines": source_lines,
        "test_lines": test_lines,
        "tests_per_source_line": round(test_lines / source_lines, 3),
    }
