"""``python -m tracehound.scripts.manifests.files``: files of configuration by who knows their form.

The chart is judged by ``python -m tracehound.scripts.manifests``. What no tool that can be had knows (a pipeline of
Logstash, Filebeat's settings) is read for its syntax alone, and counted apart. Where a tool is not installed, that is
said loudly; with CI=true in the environment it is a failure.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

_ROOT = Path(__file__).resolve().parents[2]
_CHART = "infra/helm/"
_OF_OTHERS = ("infra/docker/requirements.lock", "infra/docker/Dockerfile.dockerignore", "infra/kafka/")
"""What pip, Docker, Maven and Kafka's brokers read themselves in tests."""

Judge = Callable[[Path], str]
"""What is wrong with a file, in the words of who knows its form; empty where nothing is."""


class NoToolError(Exception):
    """A tool is not installed; the message is its name."""


def _by(tool: str, *arguments: str) -> Judge:
    def judge(file: Path) -> str:
        beside = Path(sys.executable).with_name(tool)
        program = str(beside) if beside.exists() else shutil.which(tool)
        if program is None:
            raise NoToolError(tool)
        run = subprocess.run([program, *arguments, str(file)], capture_output=True, text=True, check=False)
        return run.stdout + run.stderr if run.returncode else ""

    return judge


def _dashboard(file: Path) -> str:
    """Grafana's own types read it and lose nothing: what they do not know would be gone."""
    text = file.read_text()
    again = JSONEncoder(sort_keys=True, indent=2).encode(Dashboard.from_json(json.loads(text))) + "\n"
    return "" if again == text else f"{file} has what Grafana's types do not know."


def _parsed(read: Callable[[str], Any]) -> Judge:
    def judge(file: Path) -> str:
        try:
            return "" if read(file.read_text()) else f"{file} holds nothing."
        except ValueError as error:
            return f"{file}: {error}"
        except yaml.YAMLError as error:
            return f"{file}: {error}"

    return judge


def _lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def _balanced(text: str) -> bool:
    if text.count("{") != text.count("}"):
        raise ValueError("it has more braces of one kind than of the other.")
    return True


JUDGED: Mapping[str, Judge] = {
    "docker-compose.yml": _by("check-jsonschema", "--builtin-schema", "vendor.compose-spec"),
    ".github/workflows/*.yml": _by("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
    "infra/docker/Dockerfile": _by("hadolint"),
    "infra/grafana/dashboards/*.json": _dashboard,
    "infra/prometheus/prometheus.yml": _by("promtool", "check", "config"),
    "infra/prometheus/rules/*.yml": _by("promtool", "check", "rules"),
    "infra/elk/prepare.sh": _by("sh", "-n"),
}
"""Files by who knows their form."""

READ: Mapping[str, Judge] = {
    "infra/grafana/provisioning/*/*.yml": _parsed(yaml.safe_load),
    "infra/elk/*.yml": _parsed(yaml.safe_load),
    "infra/elk/*.json": _parsed(json.loads),
    "infra/elk/*.ndjson": _parsed(_lines),
    "infra/elk/logstash/*.conf": _parsed(_balanced),
}
"""Files whose syntax alone is looked at."""


def unjudged() -> list[str]:
    """Files of configuration that nobody looks at."""
    known = {file for pattern in (*JUDGED, *READ) for file in _ROOT.glob(pattern)}
    there = (file for file in (_ROOT / "infra").rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    left = (str(file.relative_to(_ROOT)) for file in there if file not in known and file.suffix != ".py")
    return sorted(one for one in left if not one.startswith((_CHART, *_OF_OTHERS)))


def judged(by: Mapping[str, Judge]) -> tuple[list[Path], list[str], set[str]]:
    """The files that were looked at, what is wrong with them, and the tools that are missing."""
    looked_at: list[Path] = []
    wrong: list[str] = []
    missing: set[str] = set()
    for pattern, judge in by.items():
        for file in sorted(_ROOT.glob(pattern)):
            try:
                said = judge(file)
            except NoToolError as error:
                missing.add(str(error))
                continue
            looked_at.append(file)
            wrong += [said] if said else []
    return looked_at, wrong, missing


def counted() -> dict[str, int]:
    """How many files are judged, those of the chart among them, and how many are read for their syntax alone."""
    of_chart = [one for one in (_ROOT / _CHART).rglob("*.y*ml") if "files" not in one.parts]
    known, read = ([file for pattern in by for file in _ROOT.glob(pattern)] for by in (JUDGED, READ))
    return {"files_validated": len(known) + len(of_chart), "files_read_for_syntax": len(read)}


@click.command()
def main() -> None:
    """Judge every file; the status is 1 if one is wrong, or nobody looks at it."""
    known, wrong, missing = judged(JUDGED)
    read, unreadable, _ = judged(READ)
    for said in (*wrong, *unreadable, *(f"Nobody looks at {file}." for file in unjudged())):
        click.echo(said)
    for tool in sorted(missing):
        click.echo(f"COULD NOT RUN: {tool} is not installed, so that its files were not looked at")
    click.echo(f"{len(known)} files are judged by those who know their form, {len(read)} are read.")
    failed = bool(wrong or unreadable or unjudged()) or bool(missing and os.environ.get("CI") == "true")
    raise SystemExit(int(failed))


if __name__ == "__main__":
    main()
