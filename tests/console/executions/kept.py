"""Executions for tests of what is kept of them, and what the database then holds."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select

from tracehound.console.executions.keeper import Bounds, Keeper
from tracehound.console.executions.stored_windows import US, StoredKey, load
from tracehound.console.executions.windows import Window
from tracehound.console.store.engine import Store
from tracehound.console.store.tables import operation_windows, operations
from tracehound.detectors.settings import PRIVATE
from tracehound.schemas.execution import ExecutionHead

TOPIC = "tracehound.executions.v1"
NOW_S = 1_790_000_000.0


def keeper(store: Store, bounds: Bounds | None = None, wall_s: float = NOW_S, end: int = 10_000_000) -> Keeper:
    """One that has begun to read partition 0."""
    made = Keeper(store, TOPIC, frozenset(PRIVATE), bounds or Bounds(), lambda: wall_s)
    made.begin(0, "", 0, end)
    return made


def execution(
    started_s: float = NOW_S, application: str = "shop", operation: str = "GET /", **given: Any
) -> ExecutionHead:
    """One that took 5 ms, if nothing else is said."""
    return ExecutionHead(application, operation, started_s, given.pop("duration_ms", 5.0), **given)


def windows(store: Store) -> dict[tuple[str, str, str, int, int], Window]:
    """All that is stored, by application, environment, operation, length and begin in seconds."""
    with store.read() as connection:
        names = {row.seq: tuple(row)[2:] for row in connection.execute(select(operations))}
        keys = [
            StoredKey(seq, width_s, start_us // US)
            for seq, width_s, start_us in connection.execute(
                select(operation_windows.c.operation_seq, operation_windows.c.width_s, operation_windows.c.start_us)
            )
        ]
        return {(*names[key.operation_seq], *key[1:]): window for key, window in load(connection, keys).items()}


def counts(store: Store) -> dict[str, int]:
    """How many executions are stored of each operation."""
    named, at = operations.c, operation_windows.c
    both = operations.join(operation_windows, named.seq == at.operation_seq)
    with store.read() as connection:
        found = select(named.operation, func.sum(at.count)).select_from(both).group_by(named.operation)
        return {operation: int(count) for operation, count in connection.execute(found)}


def stretch(begin_s: float, seconds: int, per_s: int = 1) -> Iterator[ExecutionHead]:
    """Executions at even distances, of growing durations."""
    for number in range(seconds * per_s):
        yield execution(begin_s + number / per_s, duration_ms=1.0 + number % 100, attributes={"value": float(number)})
