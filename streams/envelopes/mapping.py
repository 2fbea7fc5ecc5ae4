"""Where the fields of an execution are in JSON that has other names for them, as the settings say it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import Execution
from tracehound.streams.envelopes.units import UNITS, Read, duration_s, moment_s, outcome_reader

_NAMES = frozenset(Execution.__struct_fields__)
_PART = re.compile(
    r'(?P<name>\w+)=(?P<path>"[^"]*"|[^:"=]*)'
    rf"(?::(?:(?P<unit>{'|'.join(UNITS)})|(?P<told>ok|error)=(?P<values>[^\":=]+)))?"
)
_MOMENT, _DURATION = "started_at", "_ms"
_MISSING = object()
_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a field is taken from: a path (or, with ``end``, what lies between two), or a constant; and how it is read.

    ``end`` is a path, too; both are moments in ``unit``.
    """

    path: str
    constant: str | None = None
    read: Read | None = None
    end: str = ""
    unit: str = ""

    def of(self, given: Mapping[str, Any]) -> Any:
        if self.constant is not None:
            return self.constant
        found = _at(given, self.path)
        if found is _MISSING:
            return found
        if self.end:
            begin, end = moment_s(found, self.unit), moment_s(_at(given, self.end), self.unit)
            return None if begin is None or end is None else (end - begin) * 1_000
        return self.read(found) if self.read else found


class FieldMapping:
    """Gives the fields of an execution their names.

    Parameters:
        written: for each field where it is, separated by commas: ``application=service.name, started_at=time:ms``. A
            path goes into objects by dots and into arrays by numbers, and a name with dots is found too; ``:s``,
            ``:ms``, ``:us`` or ``:ns`` says what a number counts, ``:text`` that a moment or a duration is a text;
            ``duration_ms=begin..end:ms`` is the time between two moments; ``status=code:error=failed|5xx`` says which
            values are errors (or ``ok=``), all others are the opposite; a text in quotes is the value itself; nothing
            behind the ``=`` leaves the field out. Fields that are not named keep their names.

    Raises:
        ConfigurationError: it is not of that form, or names what is no field of an execution.

    >>> FieldMapping('application="shop", duration_ms=took:s').mapped(b'{"operation":"GET /","took":0.5}')
    b'{"operation":"GET /","took":0.5,"application":"shop","duration_ms":500.0}'
    """

    def __init__(self, written: str) -> None:
        self._sources = dict(map(_parsed, filter(None, map(str.strip, written.split(",")))))
        self._paths = [source.path for source in self._sources.values() if source.path]

    def __bool__(self) -> bool:
        return bool(self._sources)

    def mapped(self, content: bytes) -> bytes | None:
        """The object, or the array of objects, with the names of the contract; None where no path leads anywhere."""
        if not self._sources:
            return None
        try:
            given = msgspec.json.decode(content)
        except _ERRORS:
            return None
        if isinstance(given, dict):
            return msgspec.json.encode(self._of(given)) if self._fits(given) else None
        if isinstance(given, list) and given and all(isinstance(each, dict) and self._fits(each) for each in given):
            return msgspec.json.encode([self._of(each) for each in given])
        return None

    def _fits(self, given: Mapping[str, Any]) -> bool:
        return any(_at(given, path) is not _MISSING for path in self._paths)

    def _of(self, given: dict[str, Any]) -> dict[str, Any]:
        found = {name: source.of(given) for name, source in self._sources.items()}
        return {name: value for name, value in (given | found).items() if value is not _MISSING}


def _parsed(part: str) -> tuple[str, _Source]:
    found = _PART.fullmatch(part)
    if found is None or found["name"] not in _NAMES:
        rule = "be fields of an execution with where they are, such as 'application=service, started_at=time:ms'"
        raise ConfigurationError(f"The setting 'execution_fields' must {rule}. Got {part!r} instead.")
    name, path, unit = found["name"], found["path"].strip(), found["unit"]
    if path[:1] == '"':
        return name, _Source("", path[1:-1])
    if found["told"]:
        if name != "status":
            raise _misplaced("'ok=' and 'error='", "'status' alone", part)
        return name, _Source(path, read=outcome_reader(found["told"], found["values"].split("|")))
    begin, between, end = path.partition("..")
    if between:
        if not name.endswith(_DURATION) or not unit:
            raise _misplaced("'begin..end'", "a duration, with the unit of both moments", part)
        return name, _Source(begin, end=end, unit=unit)
    if unit and name != _MOMENT and not name.endswith(_DURATION):
        raise _misplaced(f"The unit ':{unit}'", "a moment or a duration", part)
    return name, _Source(path, read=_reader(name, unit) if unit else None)


def _misplaced(what: str, where: str, part: str) -> ConfigurationError:
    return ConfigurationError(f"The setting 'execution_fields' is wrong: {what} is of {where}. Got {part!r} instead.")


def _reader(name: str, unit: str) -> Read:
    of, per_second = (moment_s, 1) if name == _MOMENT else (duration_s, 1_000)

    def read(value: Any) -> Any:
        seconds = of(value, unit)
        return value if seconds is None else seconds * per_second

    return read


def _at(given: Any, path: str) -> Any:
    if isinstance(given, list):
        number, dot, rest = path.partition(".")
        if not (number.isascii() and number.isdigit() and len(number) < 6 and int(number) < len(given)):
            return _MISSING
        return _at(given[int(number)], rest) if dot else given[int(number)]
    if not isinstance(given, dict):
        return _MISSING
    if path in given:
        return given[path]
    first, dot, rest = path.partition(".")
    while dot:
        if first in given:
            found = _at(given[first], rest)
            if found is not _MISSING:
                return found
        further, dot, rest = rest.partition(".")
        first = f"{first}.{further}"
    return _MISSING
