"""Fields of spans that several formats have: ids, times, numbers and texts in JSON, and what is wrong with them."""

import json
from base64 import b64decode
from decimal import Decimal, InvalidOperation
from typing import Any, Never

from tracehound.schemas.explanation import excerpt
from tracehound.schemas.rejection import Flaw

MOST_NS = 2**64 - 1
"""The latest time that is taken, in nanoseconds since the epoch: in the year 2554."""
BACKWARDS_NS = 1_000_000_000
"""A span that ends so much before it began, or less, saw its clock corrected: it counts as one without a length."""
_DIGITS = 20
_CHARACTERS = 64


class FieldError(Exception):
    """A field of a span is not what it must be."""

    def __init__(self, name: str, rule: str, given: object) -> None:
        super().__init__(name)
        self.flaw = field_flaw(name, rule, given)


def field_flaw(name: str, rule: str, given: object, got: str = "") -> Flaw:
    """The flaw that a field must do something and does not; ``got`` instead of an excerpt of what was given."""
    return Flaw("InvalidSpan", name, lambda: f"the field '{name}' must {rule}. Got {got or excerpt(given)} instead.")


def time_flaw(name: str, given: int, unit: str = "nanoseconds", most: int = MOST_NS) -> Flaw:
    """The flaw of a time that is none."""
    return field_flaw(name, f"be {unit} since the epoch from 1 to {most}", given)


def end_flaw(start_name: str, end_name: str, start: int, end: int) -> Flaw:
    """The flaw of a span that ended before it began, by more than a clock is corrected by."""
    return field_flaw(end_name, f"not be before '{start_name}', {start}", end)


def load_json(element: bytes) -> Any:
    """JSON with its whole numbers exact in any notation, what is not UTF-8 in its texts replaced.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.

    >>> load_json(b'[1.7e18, 200.0, 1.5]')
    [1700000000000000000, 200, 1.5]
    """
    written = element.decode("utf-8", "replace")
    given = json.loads(written, parse_float=_number, parse_constant=_no_number)
    if "\\ud" in written or "\\uD" in written:
        json.dumps(given, ensure_ascii=False).encode()  # half a surrogate pair can be kept nowhere
    return given


def read_json(element: bytes) -> Any:
    """What ``load_json`` gives, or the flaw of bytes that are no JSON."""
    try:
        return load_json(element)
    except RecursionError:
        return Flaw("InvalidJson", "depth", lambda: "the JSON is nested too deeply.")
    except ValueError as error:
        cause = str(error)
        return Flaw("InvalidJson", "", lambda: f"the JSON is malformed: {cause}.")


def _no_number(name: str) -> Never:
    raise ValueError(f"{name} is no JSON")


def _number(literal: str) -> int | float:
    whole = _whole(literal)
    return float(literal) if whole is None else whole


def _whole(literal: str) -> int | None:
    try:
        given = Decimal(literal)
    except InvalidOperation:
        return None
    if not given.is_finite() or (given and given.adjusted() > _DIGITS):  # 1e999999999 would fill the memory
        return None
    if not given and given.is_signed():
        return None
    return int(given) if given == given.to_integral_value() else None


def whole_number(name: str, given: object, names: dict[str, int] | None = None, most: int = MOST_NS) -> int:
    """A whole number of 64 bits, written as a number in any notation, a string, or one of ``names``; null is 0.

    Raises:
        FieldError: it is none.
    """
    number: int | None = None
    if type(given) is int:
        number = given
    elif given is None:
        return 0
    elif isinstance(given, str):
        number = _parsed(given, names)
    if number is None or not -(2**63) <= number <= most:
        rule = "be a whole number of 64 bits" + (f" or one of {', '.join(names)}" if names else "")
        raise FieldError(name, rule, given)
    return number


def _parsed(given: str, names: dict[str, int] | None) -> int | None:
    if names is not None and given in names:
        return names[given]
    if len(given) > _CHARACTERS or not given.isascii() or "_" in given:
        return None
    return int(given) if given.isdigit() else _whole(given)


def text_field(name: str, given: object) -> str:
    """A text; null is empty.

    Raises:
        FieldError: it is none.
    """
    if given is None:
        return ""
    if not isinstance(given, str):
        raise FieldError(name, "be text", given)
    return given


def id_bytes(name: str, given: object, length: int) -> bytes:
    """The bytes of an id in hexadecimal digits or base64; null is empty.

    Raises:
        FieldError: it is neither.
    """
    if given is None or given == "":
        return b""
    if isinstance(given, str):
        try:
            return bytes.fromhex(given) if len(given) == 2 * length else b64decode(given, validate=True)
        except ValueError:
            pass
    raise FieldError(name, f"be {length} bytes in hexadecimal digits or base64", given)


def id_flaw(name: str, length: int, given: bytes, optional: bool = False) -> Flaw:
    """The flaw of an id that has another length, or none but zeros."""
    got = f"{len(given)} bytes" if len(given) != length else "only zeros"
    return field_flaw(name, f"be {length} bytes" + (" or absent" if optional else ", not all zero"), given, got)
