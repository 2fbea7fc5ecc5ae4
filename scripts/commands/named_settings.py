"""Settings of detection as commands take and tell them: name=value."""

from collections.abc import Iterable, Mapping

from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.commands.terminal_text import printable


def read_values(given: Iterable[str], form: str = "name=4,5,6") -> dict[str, list[float]]:
    """Values by the setting's name, out of ``name=value,value``.

    >>> read_values(["detection.least_sigma=4,5"])
    {'least_sigma': [4.0, 5.0]}

    Raises:
        TracehoundError: one of them is none.
    """
    found: dict[str, list[float]] = {}
    for one in given:
        name, _, values = one.partition("=")
        name = name.strip().removeprefix("detection.")
        if name in found:
            raise TracehoundError(f"A setting must be given once. Got {printable(name)!r} again.")
        try:
            found[name] = [float(value) for value in values.split(",")]
        except ValueError:
            raise TracehoundError(f"A setting must be given as {form}. Got {printable(one)!r} instead.") from None
    return found


def read_settings(given: Iterable[str]) -> dict[str, float]:
    """One value for each setting, out of ``name=value``.

    >>> read_settings(["least_sigma=5"])
    {'least_sigma': 5.0}

    Raises:
        TracehoundError: one of them is none.
    """
    found = {}
    for name, values in read_values(given, "name=5").items():
        if len(values) > 1:
            raise TracehoundError(
                f"A setting must be given as name=5. Got {len(values)} values of {printable(name)!r}."
            )
        found[name] = values[0]
    return found


def settings_text(settings: Mapping[str, float]) -> str:
    """Settings as they are given.

    >>> settings_text({"least_sigma": 5.0, "minimum_excess_ms": 20.0})
    'least_sigma=5, minimum_excess_ms=20'
    """
    return ", ".join(f"{name}={value:g}" for name, value in settings.items())
