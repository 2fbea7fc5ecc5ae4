"""What Helm makes of the chart with given values."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tracehound.scripts.manifests.go_tools import helm


class ChartError(Exception):
    """Helm refuses the chart, or the values; the text is Helm's."""


def lint(chart: Path, values: Sequence[Path] = ()) -> None:
    """Have Helm look the chart over, warnings counting as errors.

    Raises:
        ChartError: it finds something.
    """
    _asked("lint", "--strict", str(chart), *_options(values))


def rendered(
    chart: Path, values: Sequence[Path] = (), settings: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The objects that an installation would create, hooks among them.

    Parameters:
        values: files of values, later ones before earlier ones.
        settings: single values by their paths, before all files.

    Raises:
        ChartError: Helm refuses the chart or the values.
    """
    single = [part for name, value in (settings or {}).items() for part in ("--set", f"{name}={value}")]
    told = _asked("template", "trace", str(chart), "--namespace", "observed", *_options(values), *single)
    return [one for one in yaml.safe_load_all(told) if one is not None]


def _options(values: Sequence[Path]) -> list[str]:
    return [part for file in values for part in ("--values", str(file))]


def _asked(*arguments: str) -> str:
    done = subprocess.run([helm(), *arguments], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise ChartError(f"{done.stdout}{done.stderr}".strip())
    return done.stdout
