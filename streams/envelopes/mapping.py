"""Where the fields of an execution are in JSON that has other names for them, as the settings say it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import Execution

_NAMES = frozenset(Execution.__struct_fields__)
_PART = re.compile(r'(?P<name>\w+)=(?P<path>"[^"]*"|[^:"=]*)(?::(?P<unit>s|ms|us|ns))?')
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_MISSING = object()
_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a field is taken from: a path, or a constant; how many of it make a second, and how many of the field."""

    path: str
    constant: str | None
    per_second: int | None
    wanted_per_second: int

    def of(self, given: Mapping[str, Any]) -> Any:
        if self.constant is not None:
            return self.constant
        found = _at(given, self.path)
        if self.per_second is None or isinstance(found, bool) or not isinstance(found, int | float):
            return found
        return found * self.wanted_per_second / self.per_second


class FieldMapping:
    """Gives the fields of an execution their names.

    Parameters:
        written: for each field where it is, separated by commas: ``application=service.name, started_at=time:ms``. A
            path goes into objects by dots, and a name with dots is found too; ``:s``, ``:ms``, ``:us`` or ``:ns`` says
            what a number counts; a text in quotes is the value itself; nothing behind the ``=`` leaves the field out.
            Fields that are not named keep their names.

    Raises:
        ConfigurationError: it is not of that form, or names what is no field of an execution.

    >>> FieldMapping('application="shop", duration_ms=took:s').mapped(b'{"operation":"GET /","took":0.5}')
    b'{"operation":"GET /","took":0.5,"application":"shop","duration_ms":500.0}'
    """

    def __init__(self, written: str) -> None:
        self._sources = dict(map(_parsed, filter(None, map(str.strip, written.split(",")))))
        self._paths = [source.path for source in self._sources.values() if source.path]

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
    wanted = 1_000 if name.endswith("_ms") else 1
    if path[:1] == '"':
        return name, _Source("", path[1:-1], None, wanted)
    return name, _Source(path, None, _PER_SECOND.get(unit), wanted)


def _at(given: Any, path: str) -> Any:
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
