"""The command `tracehound operations`: operations, and how long one takes, from the console."""

from collections.abc import Iterator
from typing import Any

import click
from rich.text import Text

from tracehound.scripts.commands.console_options import (
    environment_option,
    repeated,
    since_option,
    times,
    watch_option,
)
from tracehound.scripts.commands.console_tables import json_option, print_json, print_table, terminal
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.console.client import ConsoleClient, NotKeptError, console_client
from tracehound.scripts.console.shapes import Distribution, Operation

_LANE = 40
_SHARES = ("0.5", "0.95", "0.99")


@click.command()
@click.argument("application", required=False)
@click.argument("operation", required=False)
@environment_option
@click.option("--name", default="duration_ms", show_default=True, help="A number: result, cpu_ms, attributes.NAME, ...")
@since_option
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@watch_option
@json_option
def operations(
    application: str | None,
    operation: str | None,
    environment: str | None,
    name: str,
    since: float | None,
    until: float | None,
    limit: int,
    every_s: float | None,
    as_json: bool,
) -> None:
    """List operations, from the console; those of APPLICATION with how long they take; of OPERATION where that lies.

    Without --since it is of the newest day of each operation.

    \b
    tracehound operations
    tracehound operations shop --environment prod
    tracehound operations shop "GET /cart" --environment prod --since 2h --json
    """
    client = console_client()
    asked = {"name": name, **times(since, until)}

    def tell() -> None:
        if application is None or operation is None:
            _list(client, application, environment, limit, asked, as_json)
            return
        where = {"application": application, "operation": operation, "environment": environment or ""}
        told = client.get(Distribution, "operations", "distribution", buckets=20, **where, **asked)
        if as_json:
            print_json(told)
            return
        for line in _lines(told):
            terminal().print(Text(line), soft_wrap=True)

    repeated(every_s, tell)


def _list(
    client: ConsoleClient,
    application: str | None,
    environment: str | None,
    limit: int,
    asked: dict[str, Any],
    as_json: bool,
) -> None:
    found = client.items(Operation, "operations", limit=limit, application=application, environment=environment)
    if application is None:
        if as_json:
            print_json({"items": found})
        else:
            names = ("application", "environment", "operation")
            print_table(names, [[dict(one)[name] for name in names] for one in found])
        return
    told = [one for operation in found if (one := _distribution(client, operation, asked)) is not None]
    if as_json:
        print_json({"items": told})
        return
    heads = ("operation", "environment", "executions", "errors", "p50", "p95", "p99")
    print_table(
        heads,
        [
            (one["operation"], one["environment"], one["executions"], one["errors"], *_quantiles(one))
            for one in sorted(told, key=lambda one: -one["executions"])
        ],
    )


def _distribution(client: ConsoleClient, of: Operation, asked: dict[str, Any]) -> Distribution | None:
    where = {name: of[name] for name in ("application", "environment", "operation")}
    try:
        return client.get(Distribution, "operations", "distribution", buckets=0, p=_SHARES, **where, **asked)
    except NotKeptError:  # removed meanwhile
        return None


def _quantiles(told: Distribution) -> list[float | None]:
    values: list[float | None] = [one["value"] for one in told["quantiles"]]
    return (values + [None] * len(_SHARES))[: len(_SHARES)]


def _lines(told: Distribution) -> Iterator[str]:
    yield f"from {told['since']} to {told['until']}: {told['executions']:,} executions, {told['errors']:,} failed"
    results = ", ".join(f"{printable(name) or '(others)'} {count:,}" for name, count in told["results"].items())
    if results:
        yield f"results: {results}"
    if told["mean"] is None or told["low"] is None or told["high"] is None:
        names = ", ".join(map(printable, told["names"]))
        yield f"none of them has the number {printable(told['name'])}; there are {names or 'none'}"
        return
    yield (
        f"{printable(told['name'])} of {told['count']:,}: mean {told['mean']:.6g}, "
        f"from {told['low']:.6g} to {told['high']:.6g}"
    )
    yield ", ".join(f"p{100 * one['p']:g} {one['value']:.6g}" for one in told["quantiles"])
    most = max((one["count"] for one in told["histogram"]), default=1)
    for one in told["histogram"]:
        bar = "#" * round(_LANE * one["count"] / most)
        yield f"{one['above']:>12.6g} to {one['to']:<12.6g} |{bar:{_LANE}}| {one['count']:,}"
