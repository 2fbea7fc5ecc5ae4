"""The tables of settings, generated from the code."""

from itertools import groupby

from tracehound.streams.settings.catalogue import Setting, every_setting
from tracehound.streams.settings.settings import Settings

_HEAD = ("| setting | default | range | meaning |", "|---|---|---|---|")


def table() -> str:
    """The tables of all settings, those of each part by themselves, in Markdown."""
    lines: list[str] = []
    for part, settings in groupby(every_setting(Settings), lambda setting: setting.part):
        if part:
            prefix = f"TRACEHOUND_{part.upper()}__"
            lines += ["", f"Under `[{part}]`, in the environment with the prefix `{prefix}`:", ""]
        lines += [*_HEAD, *map(_row, settings)]
    return "\n".join(lines)


def _row(setting: Setting) -> str:
    default = setting.default
    if isinstance(default, tuple) and all(isinstance(one, str) for one in default) and default:
        default = ", ".join(default)
    text = "" if default is None else str(default).replace("|", "\\|")
    return f"| `{setting.name}` | {f'`{text}`' if text else ''} | {setting.range} | {setting.meaning} |"
