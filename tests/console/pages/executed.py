"""Executions for pages: an application whose second half hour is slower, with an operation that fails now and then."""

from tests.console.executions.kept import execution, keeper
from tests.console.store.reader.told import BEGIN_S
from tracehound.console.store.engine import Store

MINUTES = 90


def execute(store: Store, name: str = "shop") -> None:
    """Ninety minutes of two operations; that named ``GET name`` takes five times as long from the seventieth on."""
    slow = [
        execution(
            *(BEGIN_S + 10 * number, name, f"GET {name}"),
            environment="prod",
            duration_ms=(100.0 if number < 420 else 500.0) * (1.0 + number % 7 / 10),
        )
        for number in range(6 * MINUTES)
    ]
    failing = [
        execution(
            *(BEGIN_S + 30 * number, name, "POST /orders"),
            environment="prod",
            duration_ms=20.0 + number % 11,
            status="error" if number % 10 == 0 else "ok",
        )
        for number in range(2 * MINUTES)
    ]
    one = keeper(store, wall_s=BEGIN_S + 60 * MINUTES)
    both = sorted([*slow, *failing], key=lambda each: each.started_s)
    one.take(0, both, len(both))
    one.store()
