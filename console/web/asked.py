"""What a request may ask in its query: kinds of values, each with its rule, and pages."""

import time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from tracehound.console.web.paths import name_in_path
from tracehound.schemas.moments import parse_moment

MOST_ITEMS = 1_000
_LATEST_S = 253_402_300_799.0  # the end of the year 9999
Format = Literal["json", "jsonl", "csv"]


def without_null(given: str) -> str:
    """A text as it is.

    Raises:
        ValueError: it holds a NUL, which no database takes.
    """
    if "\x00" in given:
        raise ValueError("no NUL, which no name of ours holds")
    return given


def _moment_us(given: Any) -> int:
    if not isinstance(given, str):
        raise ValueError("an age such as 90m or 7d, or an RFC 3339 date-time")
    try:
        moment_s = parse_moment(given, time.time())
    except (ValueError, OverflowError):
        raise ValueError("an age such as 90m or 7d, or an RFC 3339 date-time") from None
    return round(min(max(moment_s, 0.0), _LATEST_S) * 1e6)


Name = Annotated[str, StringConstraints(max_length=1_000), AfterValidator(without_null)]
"""A text that is looked for."""
MomentUs = Annotated[
    int,
    BeforeValidator(_moment_us),
    WithJsonSchema({"type": "string", "examples": ["2h", "2026-01-01T00:00:00Z"]}),
]
"""A point in event time, given as an age (``30s``, ``90m``, ``2h``, ``7d``) or an RFC 3339 date-time; microseconds."""


class Query(BaseModel):
    """What may be asked; a name that is none is refused, or a misspelt filter would be none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Body(BaseModel):
    """What may be sent; a member that is none is refused, and a value of another type is."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def several(kind: type[BaseModel]) -> frozenset[str]:
    """Of what may be asked, that which may be given more than once."""
    return frozenset(name for name, one in kind.model_fields.items() if "list" in str(one.annotation))


class Page(Query):
    """Which part of a list, and in which form."""

    cursor: Annotated[Name | None, Field(description="The 'next' of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_ITEMS, description="Items of a page; of an export, in all.")] = 50
    format: Annotated[
        Format | None,
        Field(description="An export goes through all that is asked for. Without it, what the header Accept names."),
    ] = None


Identity = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(name_in_path)]
"""The id or name of one thing, in a path; a slash in it is written ``%2F``."""
