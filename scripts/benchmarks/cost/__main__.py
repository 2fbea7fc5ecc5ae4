"""``python -m tracehound.scripts.benchmarks.cost``: writes what a byte of odd input costs next to a good one."""

import gc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import click
import structlog

from tracehound.scripts.benchmarks.cost import spans
from tracehound.scripts.benchmarks.cost.measure import FRAMING, Joining, Scoring
from tracehound.scripts.documents.stored import store
from tracehound.scripts.soak.report import update
from tracehound.scripts.strangers import executions, small
from tracehound.scripts.strangers.values import Makers, Records
from tracehound.streams.worker.process import GC_THRESHOLDS

ROUNDS = 3
_HEAD = """# What a byte costs

Written by `make bench-cost`: CPU time for each byte of records as they may be sent by mistake or on purpose, next to a
byte of good ones in the same process, in turn; of {rounds} rounds the median. Executions are taken out of
Kafka's batches, read and scored, and what is refused of them is put into batches of dead letters; spans are decoded,
joined and encoded; all without a broker. Of a record its value and headers count and {framing} bytes of framing.

The aim is ten times. The dearest are those that are unlike all before: applications that were never seen, for each is
given models (at most `applications_per_partition` of them are remembered, and those that were made up are forgotten
first), names that nobody has heard of, and whatever is wrong in its own way and is explained. Records of next to
nothing become a dead letter each, with its reason and its bytes; a kernel writes those.
"""


class Way(Protocol):
    """Takes records, and says what their bytes cost."""

    def cost(self, records: Records) -> float:
        """CPU nanoseconds a byte."""


def rows_of(what: str, make_way: Callable[[], Way], good: Records, kinds: Makers) -> list[dict[str, Any]]:
    """For each kind of input what a byte costs, and how many times as much as a good one beside it."""
    rows = []
    make_way().cost(good)  # what comes first pays for what is made once
    for name, make in kinds.items():
        pairs = []
        for _ in range(ROUNDS):
            way, values = make_way(), make()
            usual = way.cost(good)
            pairs.append((way.cost(values), usual))
        cost, ratio = (median(one) for one in ([odd for odd, _ in pairs], [odd / usual for odd, usual in pairs]))
        rows.append({"of": what, "input": name, "ns_per_byte": round(cost, 1), "ratio": round(ratio, 1)})
        click.echo(f"{what}: {name}: {cost:.0f} ns/byte, {ratio:.1f} times a good one")
    return rows


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown, the dearest first."""
    lines = [_HEAD.format(rounds=ROUNDS, framing=FRAMING), "| of | input | ns a byte | times a good one |"]
    lines.append("|---|---|---:|---:|")
    lines += [
        f"| {row['of']} | {row['input']} | {row['ns_per_byte']:,} | {row['ratio']:,} |"
        for row in sorted(rows, key=lambda row: -row["ratio"])
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--output", default="docs/benchmarks", show_default=True, type=click.Path(path_type=Path))
def main(output: Path) -> None:
    """Measure each kind of input, and write ``cost.json``, ``cost.md`` and the worst ratio into the reliability."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    gc.set_threshold(*GC_THRESHOLDS)
    gc.freeze()
    rows = [
        *rows_of("executions", Scoring, executions.goods(), {**executions.KINDS, **small.EXECUTIONS}),
        *rows_of("OTLP JSON", Joining, spans.good_json(), {**spans.JSON, **small.ANYWHERE}),
        *rows_of("OTLP Protobuf", Joining, spans.good_protobuf(), {**spans.PROTOBUF, **small.ANYWHERE}),
    ]
    output.mkdir(parents=True, exist_ok=True)
    worst = max(row["ratio"] for row in rows)
    store(output / "cost.json", {"rounds": ROUNDS, "worst_ratio": worst, "inputs": rows})
    (output / "cost.md").write_text(page(rows))
    update(output, "cost", {"cost_per_byte_worst_ratio": worst})
    click.echo(f"At worst {worst:.1f} times a good byte.")


if __name__ == "__main__":
    main()
