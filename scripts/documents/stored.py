"""Figures as files: JSON that says which commit was measured, and when."""

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson


def store(file: Path, figures: Mapping[str, Any]) -> None:
    """Write ``figures`` as JSON, with ``commit`` and ``date`` (UTC) of now, whatever they had of these before."""
    whole = stamped() | {name: value for name, value in figures.items() if name not in {"commit", "date"}}
    file.write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n")


def stamped() -> dict[str, Any]:
    """``commit`` and ``date`` (UTC) of now."""
    return {"commit": commit(), "date": datetime.now(UTC).date().isoformat()}


def commit() -> str:
    """The commit that is checked out, with ``+`` where tracked files differ from it; "unknown" outside a checkout."""
    here = Path(__file__).resolve().parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=10", "--exclude", "*", "--dirty=+"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
