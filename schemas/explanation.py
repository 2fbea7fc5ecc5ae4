"""Turn a decoding error into one sentence that names field, rule and value."""

import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

from tracehound.schemas.execution import Execution
from tracehound.schemas.rejection import Flaw

TIME_RULE = "must be epoch seconds, or an RFC 3339 date-time with an offset from UTC"
_EXCERPT_CHARACTERS = 80
_LONGEST_PARSED = 50_000
"""Bytes of an execution that is read once more to show a wrong value: it takes twenty times as long as to score it."""
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>\w+)|\[(?P<index>\d+)\]|(?P<any>\[\.\.\.\])")
_INDEX = re.compile(r"\[\d+\]")
_MISSING = re.compile(r"^Object missing required field `(?P<name>\w+)`")
_EPOCH_UNITS = ((1e17, "nanoseconds"), (1e14, "microseconds"), (1e11, "milliseconds"))

Path = list[str | int]


@dataclass(frozen=True, slots=True)
class Contract:
    """What the bytes should have been: its type, what it is called, and which of its fields is a time."""

    type: inspect.Type
    called: str
    time: str


_EXECUTION = Contract(inspect.type_info(Execution), "an execution", "started_at")


class _Literal(str):
    """A number, NaN or Infinity as it is written in the source."""

    __slots__ = ()


_PARSER = json.JSONDecoder(parse_float=_Literal, parse_int=_Literal, parse_constant=_Literal)


def excerpt(value: object) -> str:
    r"""A value as JSON in ASCII, cut after 80 characters, so that it is safe in logs and on terminals.

    >>> print(excerpt("\x1b[31m"), excerpt(-5), excerpt([1, 2]))
    "\u001b[31m" -5 an array of length 2
    """
    if isinstance(value, dict):
        return f"an object with {len(value)} fields"
    if isinstance(value, list):
        return f"an array of length {len(value)}"
    if isinstance(value, str) and not isinstance(value, _Literal):
        text = json.dumps(value[: _EXCERPT_CHARACTERS + 1])
    else:
        text = str(value) if isinstance(value, _Literal) else json.dumps(value)
    return text if len(text) <= _EXCERPT_CHARACTERS else text[: _EXCERPT_CHARACTERS - 3] + "..."


def decoding_flaw(element: bytes, error: Exception, contract: Contract = _EXECUTION) -> Flaw:
    """What ``error``, raised while decoding the bytes of one execution (or whatever it should be), says about it."""
    # (A flaw that held the error would hold all frames that called it, and so itself, until the collector comes.)
    if isinstance(error, RecursionError):
        return Flaw("InvalidJson", "depth", lambda: "the JSON is nested too deeply.")
    if isinstance(error, UnicodeDecodeError):
        why = error.reason
        return Flaw("InvalidUtf8", "", lambda: f"the bytes are not valid UTF-8: {why}.")
    malformed = _malformed_later(element) if isinstance(error, msgspec.ValidationError) else error
    if malformed is None:
        return _validation_flaw(element, str(error), contract)
    message = str(malformed)
    return Flaw("InvalidJson", "", lambda: _malformed_sentence(element, message))


def _malformed_later(element: bytes) -> Exception | None:
    """A wrong value is told as soon as it is met; what follows it may not even be JSON."""
    try:
        msgspec.json.decode(element, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        return error
    return None


def invalid_time_sentence(value: object, field: str = _EXECUTION.time) -> str:
    """Says what a time must be, and guesses when it is an epoch in another unit than seconds."""
    return f"the field '{field}' {TIME_RULE}. Got {excerpt(value)} instead{_epoch_unit(value)}."


def _epoch_unit(value: object) -> str:
    try:
        number = float(value) if isinstance(value, (_Literal, float, int)) else 0.0
    except ValueError:
        return ""
    unit = next((unit for least, unit in _EPOCH_UNITS if least <= number < 1e20), None)
    return f", which looks like {unit}" if unit else ""


def _validation_flaw(element: bytes, message: str, contract: Contract) -> Flaw:
    found = _PATH.search(message)
    path = _steps(found["path"]) if found else []
    missing = _MISSING.match(message)
    if missing:
        field = _display([*path, missing["name"]])
        return Flaw("MissingField", _bare(field), lambda: _missing_sentence(element, path, field))
    field = _display(path)
    if field == contract.time:
        return Flaw("InvalidTime", field, lambda: _wrong_time_sentence(element, path, field))
    return Flaw("InvalidField", _bare(field), lambda: _wrong_sentence(element, path, field, contract))


def _missing_sentence(element: bytes, path: Path, field: str) -> str:
    try:
        holder = _lookup(element, path)
    except LookupError:  # as below
        return f"the field '{field}' is required. Got an object without it instead."
    names = ", ".join(list(holder)[:_EXCERPT_CHARACTERS]) if isinstance(holder, dict) else ""
    got = f"only the fields {excerpt(names)}" if names else "no fields"
    return f"the field '{field}' is required. Got {got} instead."


def _wrong_time_sentence(element: bytes, path: Path, field: str) -> str:
    try:
        return invalid_time_sentence(_lookup(element, path), field)
    except LookupError:
        return f"the field '{field}' {TIME_RULE}. Got another value instead."


def _wrong_sentence(element: bytes, path: Path, field: str, contract: Contract) -> str:
    subject = f"the field '{field}'" if field else contract.called
    try:
        got = excerpt(_lookup(element, path))
    except LookupError:  # a repeated key hides the value, or it lies under an arbitrary key of 'attributes'
        got = "another value"
    return f"{subject} must be {_rule_at(path, contract)}. Got {got} instead."


def _malformed_sentence(element: bytes, message: str) -> str:
    try:
        constant = _find_constant(_parse(element))
    except (ValueError, RecursionError):
        constant = None
    if constant is not None:
        path, literal = constant
        return f"the field '{_display(path)}' must be valid JSON, which has no {literal}. Got {literal} instead."
    return f"the JSON is malformed: {message.removeprefix('JSON is malformed: ')}."


def _parse(element: bytes) -> Any:
    if len(element) > _LONGEST_PARSED:
        raise ValueError(f"{len(element)} bytes are too many to show a value of them")
    return _PARSER.decode(element.decode("utf-8", "replace"))


def _find_constant(document: Any) -> tuple[Path, str] | None:
    waiting: list[tuple[Path, Any]] = [([], document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [([*path, name], child) for name, child in value.items()]
        elif isinstance(value, list):
            waiting += [([*path, index], child) for index, child in enumerate(value)]
        elif isinstance(value, _Literal) and value in ("NaN", "Infinity", "-Infinity"):
            return path, value
    return None


def _steps(path: str) -> Path:
    steps: Path = []
    for step in _STEP.finditer(path):
        steps.append(int(step["index"]) if step["index"] else step["name"] or "*")
    return steps


def _display(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _bare(field: str) -> str:
    return _INDEX.sub("[]", field) if "[" in field else field


def _lookup(element: bytes, path: Path) -> Any:
    """The value at ``path`` in the source.

    Raises:
        LookupError: it cannot be found there.
    """
    try:
        value = _parse(element)
        for step in path:
            value = value[step]
    except (ValueError, TypeError, RecursionError) as error:
        raise LookupError(_display(path)) from error
    return value


_RULES: dict[tuple[str, ...], str] = {}
"""By the contract and the path without indexes, of which there are few: a path leads through fields of a contract."""


def _rule_at(path: Path, contract: Contract) -> str:
    key = (contract.called, *("" if isinstance(step, int) else step for step in path))
    rule = _RULES.get(key)
    if rule is None:
        rule = _RULES[key] = _rule(_type_at(path, contract.type))
    return rule


def _type_at(path: Path, current: inspect.Type) -> inspect.Type:
    for step in path:
        for choice in current.types if isinstance(current, inspect.UnionType) else (current,):
            if isinstance(choice, inspect.StructType):
                current = next(field.type for field in choice.fields if field.name == step)
            elif isinstance(choice, inspect.ListType):
                current = choice.item_type
            elif isinstance(choice, inspect.DictType):
                current = choice.value_type
    return current


def _rule(kind: inspect.Type) -> str:
    match kind:
        case inspect.UnionType():
            return " or ".join(_rule(choice) for choice in kind.types)
        case inspect.LiteralType():
            return "one of " + ", ".join(f"'{value}'" for value in kind.values)
        case inspect.StrType():
            return "a string" + _length(kind.min_length, kind.max_length)
        case inspect.FloatType():
            return "a finite number" + ("" if kind.ge is None else f" >= {kind.ge:g}")
        case inspect.IntType():
            return "a whole number" + _range(kind.ge, kind.le)
        case inspect.BoolType():
            return "true or false"
        case inspect.NoneType():
            return "null"
        case inspect.ListType():
            return "an array"
        case inspect.StructType() | inspect.DictType():
            return "a JSON object"
        case _:
            return "a JSON value whose numbers fit into 64 bits"


def _length(least: int | None, most: int | None) -> str:
    if most is None:
        return ""
    return f" of {least} to {most} characters" if least else f" of at most {most} characters"


def _range(least: int | None, most: int | None) -> str:
    if least is not None and most is not None:
        return f" from {least} to {most}"
    return "" if least is None else f" >= {least}"
