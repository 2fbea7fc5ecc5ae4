"""Recorded traces as OpenTelemetry through Kafka and two intake workers, compared with the offline conversion."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import orjson
from rich.console import Console

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.infra.kafka.broker import broker
from tracehound.schemas.execution import Execution
from tracehound.schemas.topics import Topics
from tracehound.scripts.benchmarks.joined.report import report
from tracehound.scripts.benchmarks.joined.run import PARTITIONS, JoinedRun, Precision, send_and_join
from tracehound.scripts.commands.replay import with_templates
from tracehound.scripts.commands.replay_report import warm_up_traces
from tracehound.scripts.documents.stored import stamped, store
from tracehound.scripts.recorded.evaluation import all_windows_label, average_precision
from tracehound.scripts.recorded.offline import score_traces
from tracehound.scripts.recorded.traces import RecordedTrace, Recording, open_recording
from tracehound.streams.intake.assembly.executions import Trace

DATA_SETS = ("train_ticket_30", "online_boutique_22")
ENCODINGS = ("otlp-protobuf", "otlp-json")


def judge(recording: Recording, executions: Iterator[Execution]) -> Precision:
    """Score the executions in the order given, and judge the highest score of each trace by the labels."""
    owners: list[str] = []

    def one_by_one() -> Iterator[RecordedTrace]:
        for execution in executions:
            owners.append(execution.trace_id)
            yield with_templates(RecordedTrace(execution.trace_id, execution.started_s, [execution]))

    kept = score_traces(one_by_one(), Scorer(DetectionSettings(), InlineFitter()))
    highest: dict[str, float] = {}
    for trace_id, score in zip(owners, kept.score, strict=True):
        highest[trace_id] = max(score, highest.get(trace_id, 0.0))
    scores, windows = [], []
    for trace in recording.traces():
        scores.append(highest.get(trace.trace_id, 0.0))
        services = {execution.application for execution in trace.executions}
        windows.append(all_windows_label(trace.started_s, services, recording.windows))
    known = [label.label for label in recording.labels]
    begin = warm_up_traces(recording)
    return Precision(*(_precision(labels[begin:], scores[begin:]) for labels in (known, windows)))


def _precision(labels: Sequence[int], scores: Sequence[float]) -> float:
    known = np.array(labels) >= 0
    return average_precision(np.array(labels)[known] == 1, np.array(scores)[known])


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("../shared/data"), show_default=True)
@click.option("--only", type=click.Choice(DATA_SETS), multiple=True, help="Only these recordings.")
@click.option("--speed", "speeds", multiple=True, default=("max",), show_default=True, help="As of `replay`; several.")
@click.option("--runs", type=click.IntRange(1, 20), default=1, show_default=True, help="Of each speed.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder for joined.json and joined.md.")
def main(data: Path, only: tuple[str, ...], speeds: tuple[str, ...], runs: int, output: Path | None) -> None:
    """Send recorded traces through intake, and compare with what the offline conversion makes of them.

    With --only the figures of other recordings in the folder are kept.
    """
    console = Console()
    kept = output / "joined.json" if output is not None else None
    stored = orjson.loads(kept.read_bytes()) if only and kept is not None and kept.is_file() else {}
    figures: dict[str, Any] = {name: one for name, one in stored.items() if name in DATA_SETS}
    with broker("real") as kafka:
        for name in only or DATA_SETS:
            recording = open_recording(data / "traces" / name)
            offline = [execution for trace in recording.traces() for execution in trace.executions]
            expected = {(execution.trace_id, execution.span_id): execution for execution in offline}
            spans = sum(len(trace.spans) for trace in recording.as_recorded() if isinstance(trace, Trace))
            done: list[JoinedRun] = []
            for number, speed in enumerate(speed for speed in speeds for _ in range(runs)):
                topics = Topics(f"{name}-{number}.", PARTITIONS, (f"{name}-{number}-otlp",))
                kafka.create_topics(topics)
                encoding = ENCODINGS[number % len(ENCODINGS)]
                run, emitted = send_and_join(recording, expected, encoding, speed, kafka.bootstrap_servers, topics)
                done.append(replace(run, precision=judge(recording, iter(emitted))))
                console.print(name, done[-1])
            figures[name] = stamped() | {
                "spans": spans,
                "executions": len(expected),
                "offline": asdict(judge(recording, iter(offline))),
                "runs": [asdict(run) for run in done],
            }
    console.print(report(figures))
    if output is not None and kept is not None:
        store(kept, figures)
        (output / "joined.md").write_text(report(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
