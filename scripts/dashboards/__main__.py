"""``python -m tracehound.scripts.dashboards FOLDER [--check]``: writes the dashboards, or names those not current."""

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from tracehound.scripts.dashboards.applications import applications
from tracehound.scripts.dashboards.models import models
from tracehound.scripts.dashboards.service import service

BOARDS = {"service": service, "models": models, "applications": applications}


def written(name: str) -> str:
    """One of them as Grafana reads it."""
    return JSONEncoder(sort_keys=True, indent=2).encode(BOARDS[name]().build()) + "\n"


def main(folder: Path, check: bool) -> int:
    """Write all of them; with ``check`` name those that differ instead.

    Returns:
        The exit status: 1 if one differs.
    """
    wanted = {folder / f"{name}.json": written(name) for name in BOARDS}
    stale = [file for file, text in wanted.items() if not file.is_file() or file.read_text() != text]
    for file in stale:
        if check:
            print(f"{file} is not current: python -m tracehound.scripts.dashboards {folder}")
        else:
            file.write_text(wanted[file])
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "--check" in sys.argv[2:]))
