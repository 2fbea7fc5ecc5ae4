"""Lists in pages, by keyset and cursor, and the same lists exported whole.

Where an item is what was told, its JSON is put into the page as it is stored, neither decoded nor encoded again.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Integer, Row, Select, bindparam, tuple_
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tracehound.console.store.engine import NotAtOnceError
from tracehound.console.web.answers import CSV, JSON_LINES, answer
from tracehound.console.web.asked import Format, Page
from tracehound.console.web.cells import Cells
from tracehound.console.web.console import Console
from tracehound.console.web.cursors import Place

_AT_ONCE = 1_000
_MOST = "most"
Read = Callable[[], AbstractContextManager[Connection]]
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What begins so, a spreadsheet would compute."""


@dataclass(frozen=True, slots=True)
class List:
    """A list of the database.

    Parameters:
        statement: selects what an item is made of, and last the columns ``by`` in their order.
        by: what the list goes by; no two rows have the same.
        descending: whether the greatest come first.
        cells: of an export as a table, from an item: by the head of each column.
        item: an item's JSON, of a row; without it the first column.
        values: of the statement's parameters.
        pages: the statement of a first page and that of a later one, once they are made.
    """

    statement: Select[Any]
    by: Sequence[ColumnElement[Any]]
    descending: bool
    cells: Cells
    item: Callable[[Row[Any]], str] = itemgetter(0)
    values: Mapping[str, Any] = field(default_factory=dict)
    pages: dict[bool, Select[Any]] = field(default_factory=dict)

    def place_of(self, row: Row[Any]) -> Place:
        """Where a row stands in the list."""
        return list(row[-len(self.by) :])

    def rows(self, connection: Connection, place: Place | None, most: int) -> Sequence[Row[Any]]:
        """At most so many rows, from behind a place on."""
        later = place is not None
        if later not in self.pages:
            self.pages[later] = self._page(later)
        behind = zip(_places(self.by), place or (), strict=False)
        return connection.execute(self.pages[later], {**self.values, **dict(behind), _MOST: most}).all()

    def _page(self, later: bool) -> Select[Any]:
        statement = self.statement
        if later:
            here = tuple_(*self.by)
            named = zip(_places(self.by), self.by, strict=True)
            place = tuple_(*(bindparam(name, type_=column.type) for name, column in named))
            statement = statement.where(here < place if self.descending else here > place)
        ordered = statement.order_by(*(one.desc() if self.descending else one.asc() for one in self.by))
        return ordered.limit(bindparam(_MOST, type_=Integer()))


def _places(by: Sequence[ColumnElement[Any]]) -> list[str]:
    return [f"place_{number}" for number in range(len(by))]


async def tell_stored(request: Request, console: Console, page: Page, wanted: List) -> Response:
    """As ``tell_list``, of items that are as they are stored: a page that the store has at once is told at once.

    To hand it to a thread and back takes half as much of the processor again; what takes longer is handed over.
    """
    if (page.format or _accepted(request)) == "json":
        with suppress(NotAtOnceError):
            return _tell_page(request, console, page, wanted, console.store.read_at_once)
    return await run_in_threadpool(tell_list, request, console, page, wanted)


def tell_list(request: Request, console: Console, page: Page, wanted: List) -> Response:
    """The page of a list that is asked for, or the whole of it as a file.

    Raises:
        RequestRefusedError: the cursor is none, or of another list (400).
    """
    place = _place(console, page, _asked(request))
    match page.format or _accepted(request):
        case "jsonl":
            return _file(_lines(console, wanted, place, _limit(request, page)), JSON_LINES, "jsonl")
        case "csv":
            return _file(_table(console, wanted, place, _limit(request, page)), CSV, "csv")
    return _tell_page(request, console, page, wanted, console.store.read)


def _tell_page(request: Request, console: Console, page: Page, wanted: List, read: Read) -> Response:
    asked = _asked(request)
    with read() as connection:
        rows, following = _rows_of(connection, wanted, _place(console, page, asked), page.limit)
    cursor = None if following is None else console.cursors.write(following, asked)
    return answer(request, page_of(map(wanted.item, rows), cursor))


def _place(console: Console, page: Page, asked: dict[str, Any]) -> Place | None:
    return None if page.cursor is None else console.cursors.read(page.cursor, asked)


def rows_of(console: Console, wanted: List, place: Place | None, most: int) -> tuple[Sequence[Row[Any]], Place | None]:
    """At most so many rows from a place on, and where the list goes on behind them; None: nowhere."""
    with console.store.read() as connection:
        return _rows_of(connection, wanted, place, most)


def _rows_of(
    connection: Connection, wanted: List, place: Place | None, most: int
) -> tuple[Sequence[Row[Any]], Place | None]:
    rows = wanted.rows(connection, place, most + 1)
    return rows[:most], wanted.place_of(rows[most - 1]) if len(rows) > most else None


def page_of(items: Iterator[str], following: str | None) -> bytes:
    """A page of items that are JSON already.

    >>> page_of(iter(['{"id":"1"}', '{"id":"2"}']), None)
    b'{"items":[{"id":"1"},{"id":"2"}],"next":null}'
    """
    return f'{{"items":[{",".join(items)}],"next":{msgspec.json.encode(following).decode()}}}'.encode()


def _asked(request: Request) -> dict[str, Any]:
    given = [pair for pair in request.query_params.multi_items() if pair[0] not in ("cursor", "limit", "format")]
    return {"path": request.scope["path"], "query": sorted(given)}


def _accepted(request: Request) -> Format:
    said = request.headers.get("accept", "")
    if JSON_LINES in said:
        return "jsonl"
    return "csv" if CSV in said else "json"


def _limit(request: Request, page: Page) -> int | None:
    return page.limit if "limit" in request.query_params else None


def _file(pieces: Iterator[bytes], media_type: str, ending: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="tracehound.{ending}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization, Cookie",
    }
    return StreamingResponse(pieces, 200, headers, media_type)


def _rows(console: Console, wanted: List, place: Place | None, limit: int | None) -> Iterator[Sequence[Row[Any]]]:
    """All rows from a place on, some at a time: none of them keeps the database for as long as a client reads."""
    while limit is None or limit > 0:
        most = _AT_ONCE if limit is None else min(_AT_ONCE, limit)
        with console.store.read() as connection:
            rows = wanted.rows(connection, place, most)
        if rows:
            yield rows
        if len(rows) < most:
            return
        place = wanted.place_of(rows[-1])
        limit = None if limit is None else limit - len(rows)


def _lines(console: Console, wanted: List, place: Place | None, limit: int | None) -> Iterator[bytes]:
    for rows in _rows(console, wanted, place, limit):
        yield "".join(f"{wanted.item(row)}\n" for row in rows).encode()


def _table(console: Console, wanted: List, place: Place | None, limit: int | None) -> Iterator[bytes]:
    yield _csv([list(wanted.cells)])
    for rows in _rows(console, wanted, place, limit):
        items = (msgspec.json.decode(wanted.item(row)) for row in rows)
        yield _csv([[_cell(read(item)) for read in wanted.cells.values()] for item in items])


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"
    return "" if value is None else value
