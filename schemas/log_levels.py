"""Levels of log events: what loggers, syslog and OpenTelemetry call them, and which of ours each is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

Level = Literal["trace", "debug", "info", "warning", "error", "critical"]
"""How grave whoever wrote a log event holds it to be, from the least to the gravest."""
LEVELS: Final[tuple[Level, ...]] = get_args(Level)

_NAMES: Final[Mapping[Level, str]] = {
    "trace": "trace finest finer verbose silly all",
    "debug": "debug fine config",
    "info": "info informational information notice log ok default",
    "warning": "warning warn",
    "error": "error err severe",
    "critical": "critical crit fatal alert emergency emerg panic",
}
LEVEL_OF_NAME: Final[Mapping[str, Level]] = MappingProxyType(
    {name: level for level, names in _NAMES.items() for name in names.split()}
)
"""What each name of a level is, in lower case: those of syslog (RFC 5424), OpenTelemetry, Python, Java and Node."""
_OTLP_NUMBERS: Final = 24
_NUMBERS_OF_A_LEVEL: Final = 4


def level_of(name: str) -> Level | None:
    """The level with a name, however it is written; None where no logger calls one so.

    OpenTelemetry's ``WARN2`` and the like are ``WARN``.

    >>> level_of("WARN"), level_of("Error3"), level_of("crit"), level_of("loud")
    ('warning', 'error', 'critical', None)
    """
    plain = name.strip().lower()
    known = LEVEL_OF_NAME.get(plain)
    return LEVEL_OF_NAME.get(plain[:-1]) if known is None and plain[-1:] in ("2", "3", "4") else known


def level_of_number(number: int) -> Level | None:
    """The level of a ``SeverityNumber`` of OpenTelemetry, 1 to 24; None for any other.

    Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber

    >>> [level_of_number(number) for number in (0, 1, 9, 16, 17, 24)]
    [None, 'trace', 'info', 'warning', 'error', 'critical']
    """
    return LEVELS[(number - 1) // _NUMBERS_OF_A_LEVEL] if 1 <= number <= _OTLP_NUMBERS else None
