"""Windows that are old become part of longer ones, and the oldest are removed: nothing is lost but when it was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from tracehound.console.executions.stored_windows import US, StoredKey, StoredWindows, load
from tracehound.console.executions.times import Ages
from tracehound.console.executions.windows import DAY_S, HOUR_S, MINUTE_S, Window, begin_of
from tracehound.console.store.tables import operation_times, operation_windows, operations

_LONGER: Final = {MINUTE_S: HOUR_S, HOUR_S: DAY_S}


@dataclass(frozen=True, slots=True)
class _Due:
    """Windows of a length whose longer one lies as a whole further back than this."""

    width_s: int
    longer_s: int
    older_than_s: float


def coarsen(
    connection: Connection,
    windows: StoredWindows,
    ages: Ages,
    partitions: Sequence[int],
    now_us: int,
    most: int,
) -> bool:
    """Merge at most about ``most`` windows of each length into longer ones; whether there may be more.

    How old a window is, is judged by the time of its application, which goes on with the wall clock (``now_us``) where
    nothing is heard of it.
    """
    more = False
    for width_s, older_s in ((MINUTE_S, ages.minutes_s), (HOUR_S, ages.hours_s)):
        due = _due(connection, _Due(width_s, _LONGER[width_s], older_s), partitions, now_us, most)
        stored = load(connection, due)
        longer: dict[StoredKey, Window] = {}
        for key, window in stored.items():
            target = StoredKey(key.operation_seq, _LONGER[width_s], begin_of(key.start_s, _LONGER[width_s]))
            longer.setdefault(target, Window()).merge(window)
        windows.remove(connection, due)
        windows.merge(connection, longer)
        more = more or len(due) >= most
    gone = _due(connection, _Due(DAY_S, DAY_S, ages.days_s), partitions, now_us, most)
    windows.remove(connection, gone)
    return more or len(gone) >= most


def _due(connection: Connection, due: _Due, partitions: Iterable[int], now_us: int, most: int) -> list[StoredKey]:
    window, operation, time = operation_windows.c, operations.c, operation_times.c
    oldest_us = time.now_us + (now_us - time.heard_us) - int(due.older_than_s * US)
    found = connection.execute(
        select(window.operation_seq, window.start_us)
        .join_from(operation_windows, operations, window.operation_seq == operation.seq)
        .join(
            operation_times,
            (time.application == operation.application) & (time.environment == operation.environment),
        )
        .where(window.width_s == due.width_s, time.partition.in_(partitions))
        .where(window.start_us < oldest_us - oldest_us % (due.longer_s * US))
        .order_by(window.start_us)
        .limit(most)
    )
    return [StoredKey(seq, due.width_s, start_us // US) for seq, start_us in found]
