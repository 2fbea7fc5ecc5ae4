"""Every setting as it is, but for what is secret."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from pydantic import BaseModel, SecretStr

from tracehound.streams.settings.catalogue import every_setting
from tracehound.streams.settings.mistakes import without_path
from tracehound.streams.settings.settings import Settings

MASK: Final = "(secret)"
_SECRETS: Final = ("password", "secret", "token", "sha256")


class SettingTold(msgspec.Struct):
    """A setting: its name, what it is, its default and meaning. A secret that is set is ``(secret)``."""

    name: str
    value: Any
    default: Any
    meaning: str


class SettingsTold(msgspec.Struct):
    """All settings, in the order of their reference."""

    items: list[SettingTold]


def settings_told(settings: Settings) -> SettingsTold:
    """All settings of a process."""
    return SettingsTold(list(_all(settings)))


def _all(settings: Settings) -> Iterator[SettingTold]:
    for setting in every_setting(Settings):
        value: Any = settings
        for part in setting.path.split("."):
            value = getattr(value, part)
        default = MASK if isinstance(value, SecretStr) and setting.default else _plain(setting.name, setting.default)
        yield SettingTold(setting.path, _plain(setting.name, value), default, setting.meaning)


def _plain(name: str, value: Any) -> Any:
    """A value as JSON has it, masked where it may be a secret, at any depth."""
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    if isinstance(value, BaseModel):
        return {key: _plain(key, getattr(value, key)) for key in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(key): _plain(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(name, one) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and name == "url":
        return without_path(value)
    if isinstance(value, str | Path):
        return MASK if value and any(word in name for word in _SECRETS) else str(value)
    return str(value)
