"""Lists on pages: what the address asks for, a page of it, and the address of the next one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import ValidationError
from sqlalchemy import Row
from starlette.requests import Request

from tracehound.console.web.asked import Page, Query, several
from tracehound.console.web.console import Console
from tracehound.console.web.lists import List, rows_of
from tracehound.console.web.problems import invalid

P = TypeVar("P", bound=Query)


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows of a list, and where it goes on; None: nowhere."""

    rows: Sequence[Row[Any]]
    following: str | None


def asked_by(request: Request, kind: type[P]) -> P:
    """What the query of an address asks for; empty fields of a form ask for nothing.

    Raises:
        RequestRefusedError: it asks for something that cannot be meant (400).
    """
    given: dict[str, Any] = {}
    many = several(kind)
    for name, value in request.query_params.multi_items():
        if value:
            given[name] = request.query_params.getlist(name) if name in many else value
    try:
        return kind(**given)
    except ValidationError as error:
        wrong = ", ".join(sorted({str(one["loc"][0]) for one in error.errors()}))
        raise invalid(f"The address asks for something that cannot be meant: {wrong[:200]}.") from None


def list_page(request: Request, console: Console, page: Page, wanted: List) -> Listed:
    """The page of a list.

    Raises:
        RequestRefusedError: the cursor is none, or of another list (400).
    """
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor" and value]
    bound = {"path": request.url.path, "query": sorted(kept)}
    place = None if page.cursor is None else console.cursors.read(page.cursor, bound)
    rows, following = rows_of(console, wanted, place, page.limit)
    if following is None:
        return Listed(rows, None)
    return Listed(rows, "?" + urlencode([*kept, ("cursor", console.cursors.write(following, bound))]))
