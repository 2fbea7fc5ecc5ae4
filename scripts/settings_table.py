"""The table of settings in a Markdown file, generated from the code: between two marker lines, written or checked."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.settings import DetectionSettings
from tracehound.streams.settings.incident_worker import IncidentWorkerSettings
from tracehound.streams.settings.intake import IntakeSettings
from tracehound.streams.settings.notify import NotifySettings
from tracehound.streams.settings.settings import Settings

_GROUPS = ("intake", "incidents", "incident_worker", "notify", "detection")
_HEAD = ("| setting | default | range | meaning |", "|---|---|---|---|")
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"


def _range(field: FieldInfo) -> str:
    low = next((f"≥ {rule.ge}" for rule in field.metadata if isinstance(rule, Ge)), "")
    low = low or next((f"> {rule.gt}" for rule in field.metadata if isinstance(rule, Gt)), "")
    high = next((f"≤ {rule.le}" for rule in field.metadata if isinstance(rule, Le)), "")
    return ", ".join(part for part in (low, high) if part)


def _cell(value: object) -> str:
    text = str(value).replace("|", "\\|")
    return f"`{text}`" if text else ""


def _rows(settings: Mapping[str, FieldInfo]) -> Iterator[str]:
    for name, field in settings.items():
        if name not in _GROUPS:
            default = "" if name == "sasl_password" or field.default is None else field.default
            yield f"| `{name}` | {_cell(default)} | {_range(field)} | {field.description} |"


def _of_dataclass(settings: type[DetectionSettings | IncidentSettings]) -> Iterator[str]:
    for setting in dataclasses.fields(settings):
        about = setting.metadata
        legal = f"{about['low']} to {about['high']}" if "low" in about else ""
        default = ", ".join(setting.default) if isinstance(setting.default, tuple) else setting.default
        yield f"| `{setting.name}` | {_cell(default)} | {legal} | {about['meaning']} |"


def table() -> str:
    """The tables of all settings, those of each part by themselves, in Markdown."""
    parts = {
        "intake": _rows(IntakeSettings.model_fields),
        "incidents": _of_dataclass(IncidentSettings),
        "incident_worker": _rows(IncidentWorkerSettings.model_fields),
        "notify": _rows(NotifySettings.model_fields),
        "detection": _of_dataclass(DetectionSettings),
    }
    lines = [*_HEAD, *_rows(Settings.model_fields)]
    for name, rows in parts.items():
        prefix = f"TRACEHOUND_{name.upper()}__"
        lines += ["", f"Under `[{name}]`, in the environment with the prefix `{prefix}`:", "", *_HEAD, *rows]
    return "\n".join(lines)


def with_table(text: str) -> str:
    """``text`` with the part between the markers replaced.

    Raises:
        ValueError: the markers are not there.
    """
    if BEGIN not in text or END not in text:
        raise ValueError(f"The file must have the lines {BEGIN} and {END}.")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--check", is_flag=True, help="Only say whether the file is current.")
def main(file: Path, check: bool) -> None:
    """Write the table of settings into FILE."""
    text = file.read_text()
    current = with_table(text)
    if not check:
        file.write_text(current)
    elif current != text:
        raise click.ClickException(f"The settings in {file} are not current: run `make format`.")


if __name__ == "__main__":
    main()
