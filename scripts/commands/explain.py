"""The command `tracehound explain`: an anomaly in words, and its execution beside a usual one, from the console."""

from collections.abc import Iterator

import click
from rich.text import Text

from tracehound.scripts.commands.console_ids import anomaly_of
from tracehound.scripts.commands.console_tables import json_option, print_json, terminal
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.commands.waterfall_text import waterfall_text
from tracehound.scripts.console.client import NotKeptError, console_client
from tracehound.scripts.console.shapes import Anomaly, ExemplarShape


@click.command()
@click.argument("anomaly_id", metavar="ID")
@click.option(
    "--rows", type=click.IntRange(0), default=20, show_default=True, help="So many segments of each, the longest."
)
@json_option
def explain(anomaly_id: str, rows: int, as_json: bool) -> None:
    """Explain the anomaly ID: what was unusual, and its execution beside a usual one, from the console.

    ID may be cut to its beginning where the anomaly is one of the newest 1,000.

    \b
    tracehound explain 4f2a91c3
    tracehound explain 4f2a91c3d7e8f9a0b1c2d3e4f5a6b7c8 --json
    """
    client = console_client()
    event = anomaly_of(client, anomaly_id)
    try:
        exemplar = client.get(ExemplarShape, "exemplars", event["id"])
    except NotKeptError:
        exemplar = None
    if as_json:
        print_json({"anomaly": event, "exemplar": exemplar})
        return
    console = terminal()
    for name, content in _facts(event):
        console.print(Text.assemble((f"{name}: ", "bold"), printable(content)), soft_wrap=True)
    for line in _told(event, exemplar, rows):
        console.print(Text(line), soft_wrap=True)


def _facts(event: Anomaly) -> list[tuple[str, str]]:
    data = event["data"]
    evidence = data.get("evidence", {})
    low, high = data["bounds"]
    facts = [
        ("anomaly", event["id"]),
        ("what", data["reason"]),
        ("where", " of ".join(one for one in (data["operation"], data["application"], data["environment"]) if one)),
        ("when", event["time"]),
        ("how grave", f"{data['severity']}, {data['kind']}, score {data['score']:.1f}"),
        ("measured", f"{data['actual']:.6g}, typically {data['typical']:.6g} ({low:.6g} to {high:.6g}) {data['unit']}"),
        ("why believe it", evidence.get("sure", "")),
        ("normal again", evidence.get("normal_again", "")),
        ("lies in", ", ".join(f"{name} ({share:.0%})" for name, share in data["contributions"].items())),
    ]
    for one in data.get("concentrated_in", []):
        shares = f"{one['share']:.0%} of these executions, {one['usual_share']:.0%} of usual ones"
        facts.append(("differs", f"{one['attribute']} is {one['value']} in {shares}"))
    return [(name, content) for name, content in facts if content]


def _told(event: Anomaly, exemplar: ExemplarShape | None, rows: int) -> Iterator[str]:
    yield ""
    if exemplar is None:
        yield "Its execution was not kept."
        yield from map(printable, event["data"].get("evidence", {}).get("waterfall", []))
        return
    slow, usual = exemplar["execution"], exemplar["usual"]
    scale_ms = max(one["duration_ms"] for one in (slow, usual) if one is not None)
    yield f"The execution (trace {printable(slow['trace_id'])}):"
    yield from waterfall_text(slow, scale_ms, rows)
    yield ""
    if usual is None:
        yield "No usual one was at hand."
        return
    yield "A usual one, on the same scale:"
    yield from waterfall_text(usual, scale_ms, rows)
