"""The tables of settings, generated from the code."""

import dataclasses
from collections.abc import Iterator, Mapping

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
