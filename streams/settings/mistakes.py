"""Sentences for settings that are wrong or unknown: a misspelt one must not be ignored, and is guessed at."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from tracehound.streams.settings.catalogue import every_setting, names_beside

_SECRETS = ("password", "secret", "token")
_HOLDS_SECRETS = ("notify.receivers", "gateway.keys", "console.database_url")
_NAME = re.compile(r"[\w .\[\]-]{1,60}")
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


def sentence(problem: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong with one setting of ``model``, in one sentence that names it."""
    name = ".".join(map(_key, problem["loc"]))
    if problem["type"] in _UNKNOWN:
        return f"{name!r} is no setting of tracehound.{_meant(problem['loc'], model)}"
    if problem["type"] == "value_error":  # a sentence of our own
        return f"{problem['msg'].removeprefix('Value error, ')}"
    return f"The setting '{name}' is wrong: {problem['msg']}. Got {_shown(name, problem['input'])} instead."


def _shown(name: str, given: object) -> str:
    """What was given, but for what may be a secret, be it at a place where none belongs."""
    if isinstance(given, Mapping):
        return "a table"
    if isinstance(given, list | tuple | set):
        return "an array"
    may_be_secret = any(word in name for word in _SECRETS) or name.startswith(_HOLDS_SECRETS)
    return "a value that may be a secret" if may_be_secret else repr(given)


def _key(part: int | str) -> str:
    """A part of the name of a setting, as it was written; what cannot be one may be a secret."""
    return str(part) if _NAME.fullmatch(str(part)) else "(no name)"


def without_path(address: str) -> str:
    """An address that may be shown: without user, password, path and query, any of which may be a secret.

    >>> without_path("https://me:hush@hooks.example:8443/services/T0/B0?token=hush")
    'https://hooks.example:8443'
    """
    try:
        parts = urlsplit(address)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return "an address"
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else "an address without a host"


def unknown_variables(
    environment: Mapping[str, str], model: type[BaseModel], prefix: str, also: Collection[str]
) -> list[str]:
    """A sentence for each environment variable with our prefix that is no setting of ``model``, nor one of ``also``."""
    known = {prefix + setting.path.replace(".", "__").upper() for setting in every_setting(model)}
    known |= {prefix + name.upper() for name in model.model_fields} | set(also)
    return [
        f"The environment variable {name} is no setting of tracehound.{_hint(get_close_matches(name, known, n=1))}"
        for name in sorted(environment)
        if name.startswith(prefix) and name not in known
    ]


def _meant(location: tuple[int | str, ...], model: Any) -> str:
    *above, last = map(str, location)
    beside = names_beside(model, location)
    near = [".".join([*above, one]) for one in get_close_matches(last, beside, n=1)]
    elsewhere = {setting.name: setting.path for setting in every_setting(model)}  # right, but in another part
    found = [elsewhere[last]] if last in elsewhere else near
    return _hint([repr(one) for one in found or [elsewhere[one] for one in get_close_matches(last, elsewhere, n=1)]])


def _hint(near: list[str]) -> str:
    return f" Did you mean {near[0]}?" if near else ""
