"""Windows in the database. Those that still change are in memory as well, so that they are written and not read."""

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import Connection, RowMapping, delete, select, tuple_

from tracehound.console.executions.rows import some_at_once, upsert
from tracehound.console.executions.sketch import Sketch, SketchError
from tracehound.console.executions.windows import Numbers, Window
from tracehound.console.store.tables import operation_numbers, operation_windows

US: Final = 1_000_000
_WINDOW_BYTES = 600

log = structlog.get_logger(__name__)


class StoredKey(NamedTuple):
    """Which window: of which operation, how long, and from when on, both in seconds."""

    operation_seq: int
    width_s: int
    start_s: int


class StoredWindows:
    """Adds executions to windows of the database.

    It is the only one that writes windows of its operations: what it remembers of them is what is stored. Where a
    transaction fails, what it remembers is wrong; make a new one then.

    Parameters:
        most_bytes: memory for windows that may change again.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._known: OrderedDict[StoredKey, Window] = OrderedDict()
        self._sizes: dict[StoredKey, int] = {}
        self._size = 0

    def merge(self, connection: Connection, fresh: Mapping[StoredKey, Window]) -> None:
        """Add what each of these windows holds to the one that is stored."""
        self._known |= load(connection, [key for key in fresh if key not in self._known])
        rows, numbers, gone = [], [], []
        for key, more in fresh.items():
            window = self._known.get(key) or Window()
            names = set(window.numbers)
            window.merge(more)
            rows.append(_row(key, window))
            changed = [name for name in more.numbers if name in window.numbers]
            numbers += [_number_row(key, name, window.numbers[name]) for name in changed]
            gone += [(*_columns(key).values(), name) for name in names - window.numbers.keys()]
            self._remember(key, window)
        upsert(connection, operation_windows, rows, ("count", "errors", "results"))
        upsert(connection, operation_numbers, numbers, ("count", "total", "low", "high", "sketch"))
        for some in some_at_once(gone):
            connection.execute(delete(operation_numbers).where(tuple_(*operation_numbers.primary_key).in_(some)))
        self._forget_oldest()

    def remove(self, connection: Connection, keys: Iterable[StoredKey]) -> None:
        """Remove windows."""
        for width_s, start_s, seqs in _groups(keys):
            for table in (operation_windows, operation_numbers):
                at = (table.c.width_s == width_s, table.c.start_us == start_s * US)
                connection.execute(delete(table).where(*at, table.c.operation_seq.in_(seqs)))
            for seq in seqs:
                self._forget(StoredKey(seq, width_s, start_s))

    def _remember(self, key: StoredKey, window: Window) -> None:
        self._forget(key)
        sketches = sum(one.sketch.resident_bytes for one in window.numbers.values())
        self._known[key], self._sizes[key] = window, _WINDOW_BYTES + sketches
        self._size += self._sizes[key]

    def _forget(self, key: StoredKey) -> None:
        self._known.pop(key, None)
        self._size -= self._sizes.pop(key, 0)

    def _forget_oldest(self) -> None:
        while self._size > self._most:
            self._forget(next(iter(self._known)))


def load(connection: Connection, keys: Iterable[StoredKey]) -> dict[StoredKey, Window]:
    """Windows as they are stored; those that are not are left out."""
    found: dict[StoredKey, Window] = {}
    for width_s, start_s, seqs in _groups(keys):
        table = operation_windows
        at = (table.c.width_s == width_s, table.c.start_us == start_s * US, table.c.operation_seq.in_(seqs))
        for row in connection.execute(select(table).where(*at)).mappings():
            window = Window(row["count"], row["errors"], json.loads(row["results"]))
            found[StoredKey(row["operation_seq"], width_s, start_s)] = window
        table = operation_numbers
        at = (table.c.width_s == width_s, table.c.start_us == start_s * US, table.c.operation_seq.in_(seqs))
        for row in connection.execute(select(table).where(*at)).mappings():
            numbers, key = numbers_of(row), StoredKey(row["operation_seq"], width_s, start_s)
            if numbers is not None and key in found:
                found[key].numbers[row["name"]] = numbers
    return found


def numbers_of(row: RowMapping) -> Numbers | None:
    """The numbers in a row of ``operation_numbers``; None where it is damaged, which is logged."""
    try:
        sketch = Sketch.from_bytes(row["sketch"])
        if sketch.count != row["count"] or not row["low"] <= row["high"]:
            raise SketchError(f"A stored sketch must hold {row['count']} numbers. Got {sketch.count} instead.")
    except SketchError as error:
        where = {name: row[name] for name in ("operation_seq", "start_us", "name")}
        log.error("sketch_damaged", cause=str(error), **where)
        return None
    return Numbers(sketch, row["total"], row["low"], row["high"])


def _groups(keys: Iterable[StoredKey]) -> Iterator[tuple[int, int, Sequence[int]]]:
    """Some operations of one window each."""
    ordered = sorted(keys, key=lambda key: key[1:])
    for (width_s, start_s), same in groupby(ordered, lambda key: key[1:]):
        for some in some_at_once([key.operation_seq for key in same]):
            yield width_s, start_s, some


def _columns(key: StoredKey) -> dict[str, int]:
    return {"operation_seq": key.operation_seq, "width_s": key.width_s, "start_us": key.start_s * US}


def _row(key: StoredKey, window: Window) -> dict[str, Any]:
    counts = {"count": window.count, "errors": window.errors, "results": json.dumps(window.results)}
    return _columns(key) | counts


def _number_row(key: StoredKey, name: str, numbers: Numbers) -> dict[str, Any]:
    sums = {"count": numbers.sketch.count, "total": numbers.total, "low": numbers.low, "high": numbers.high}
    return _columns(key) | {"name": name, "sketch": numbers.sketch.to_bytes()} | sums
