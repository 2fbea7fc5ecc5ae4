"""``python -m tracehound.scripts.benchmarks.kept``: executions per CPU second, and bytes of an operation's day.

Everything but Kafka: records are decoded, gathered, sketched and stored in SQLite, as ``tracehound console`` does it.
"""

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from tracehound.console.executions.keeper import Bounds, Keeper
from tracehound.console.executions.recent import Recent
from tracehound.console.executions.records import Message, RecordReader
from tracehound.console.executions.windows import DAY_S
from tracehound.console.store.engine import Store
from tracehound.detectors.settings import PRIVATE
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.operations import normalize_operation
from tracehound.streams.envelopes.opener import ExecutionReader

BEGIN_S = 1_790_035_200.0
BATCH = 2_000
STORED_EVERY = 40_000


def messages(count: int, operations: int, per_s: float, seed: int = 1) -> Iterator[Message]:
    """Records of one application, an execution each: two segments, a number as result and one as attribute."""
    chance = random.Random(seed)
    for number in range(count):
        at_s = BEGIN_S + number / per_s
        duration_ms = chance.lognormvariate(3.0, 1.0)
        one = {
            **{"application": "shop", "operation": f"GET /op-{chance.randrange(operations)}", "started_at": at_s},
            **{"duration_ms": duration_ms, "trace_id": f"{number:032x}", "span_id": f"{number:016x}", "host": "shop-0"},
            **{"status": "ok", "result": 200, "attributes": {"value": chance.gauss(100.0, 15.0), "tier": "gold"}},
            "segments": [
                {"kind": "db", "name": "SELECT item", "offset_ms": 1.0, "duration_ms": duration_ms / 3},
                {"kind": "http", "name": "GET /stock", "offset_ms": 5.0, "duration_ms": duration_ms / 2},
            ],
        }
        yield Message(number, at_s, msgspec.json.encode(one))


class Keeping:
    """Keeps records in a file of SQLite."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tracehound.db"
        self.store = Store(f"sqlite:///{self.path}")
        self.store.migrate()
        self._reader = RecordReader(
            *(1, Limits(), ExecutionReader(Limits()), normalize_operation), read_origin=lambda _: None
        )
        self._keeper = Keeper(self.store, "executions", frozenset(PRIVATE), Bounds(), lambda: self.wall_s)
        self._keeper.begin(0, "", 0, 10**12)
        self._recent = Recent(64_000_000)
        self.wall_s = BEGIN_S

    def take(self, some: Sequence[Message]) -> None:
        """Take a batch."""
        counted = self._reader.read(0, some, self._keeper.origins)
        self._keeper.take(0, counted.executions, some[-1].offset + 1, counted.origins)
        for key, execution in RecordReader.recent(counted):
            self._recent.add(key, execution)

    def put(self) -> None:
        """Store what was taken."""
        self._keeper.store()

    def age(self, days: float) -> None:
        """Merge windows as if so much time had passed."""
        self.wall_s = BEGIN_S + days * DAY_S
        while self._keeper.coarsen():
            pass

    @property
    def bytes(self) -> int:
        """Of the database's file, without pages that are free."""
        with self.store.read() as connection:
            pages, free, size = (
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)


def per_cpu_second(count: int, operations: int, per_s: float) -> float:
    """How many executions a second of CPU time keeps; stored every two seconds of so many executions."""
    with tempfile.TemporaryDirectory() as folder:
        keeping, records = Keeping(Path(folder)), list(messages(count, operations, per_s))
        keeping.take(records[:BATCH])  # what is made once
        keeping.put()
        begun_s = time.process_time()
        for first in range(BATCH, count, BATCH):
            keeping.take(records[first : first + BATCH])
            if first % STORED_EVERY == 0:
                keeping.put()
        keeping.put()
        return (count - BATCH) / (time.process_time() - begun_s)


def bytes_of_a_day(per_minute: float, operations: int = 5) -> dict[str, float]:
    """Bytes of the database for each operation and day, by the windows that the day is kept in."""
    with tempfile.TemporaryDirectory() as folder:
        keeping = Keeping(Path(folder))
        empty = keeping.bytes
        records = list(messages(int(per_minute * 1_440 * operations), operations, per_minute * operations / 60))
        for first in range(0, len(records), BATCH):
            keeping.take(records[first : first + BATCH])
            if first % STORED_EVERY == 0:
                keeping.put()
        keeping.put()
        found = {"minutes": (keeping.bytes - empty) / operations}
        for name, days in (("hours", 1.5), ("days", 16.5)):
            keeping.age(days)
            found[name] = (keeping.bytes - empty) / operations
        return found


@click.command()
@click.option("--executions", default=400_000, show_default=True, help="To measure the time by.")
def main(executions: int) -> None:
    """Print what it costs to keep executions."""
    for operations, per_s in ((10, 20_000.0), (1_000, 20_000.0)):
        rate = per_cpu_second(executions, operations, per_s)
        click.echo(f"{operations:>5} operations: {rate:>9,.0f} executions per CPU second")
    for per_minute in (1.0, 10.0):
        told = ", ".join(f"{size:,.0f} in {name}" for name, size in bytes_of_a_day(per_minute).items())
        click.echo(f"{per_minute:>5g} executions a minute: bytes of an operation's day: {told}")


if __name__ == "__main__":
    main()
