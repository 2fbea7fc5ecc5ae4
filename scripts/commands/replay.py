"""The command `replay`: recorded traces to Kafka at a chosen speed, or through the core without a broker."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tracehound.detectors.forests.fitting import Fitter, InlineFitter, PoolFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.schemas.execution import Execution
from tracehound.schemas.operations import normalize_operation
from tracehound.scripts.commands.compiling import compile_first
from tracehound.scripts.commands.replay_report import console, report, warm_up_traces
from tracehound.scripts.recorded.offline import Outputs, TraceScores, score_traces
from tracehound.scripts.recorded.otlp_sending import OtlpSender
from tracehound.scripts.recorded.sending import Sender
from tracehound.scripts.recorded.sending_formats import Format, destination, format_options, open_sender, refuse_formats
from tracehound.scripts.recorded.traces import ReadBytes, Recorded, RecordedTrace, Recording, open_recording, start_of
from tracehound.streams.intake.assembly.executions import Trace
from tracehound.streams.settings.settings import Settings, load_settings

LINGER_S = 0.05
"""Waiting executions leave at least this often when the speed is limited."""
BATCH = 100


class Speed(click.ParamType):
    """A factor above 0 on event time, or ``max``."""

    name = "FACTOR|max"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The factor; infinity for ``max``."""
        try:
            factor = float("inf") if value == "max" else float(value)
        except ValueError:
            factor = 0.0
        if not factor > 0:
            self.fail(f"{value!r} is neither a number above 0 nor 'max'.", param, ctx)
        return factor


@click.command()
@click.argument("path", metavar="FILE_OR_FOLDER", type=click.Path(path_type=Path))
@click.option("--offline", is_flag=True, help="Score here, through the same core, without any broker.")
@click.option("--speed", type=Speed(), default="max", show_default=True, help="60: sixty times as fast as recorded.")
@click.option("--shift-to-now", is_flag=True, help="Shift all event times so that they end when sending ends.")
@format_options(BATCH)
@click.option("--limit", type=click.IntRange(1), help="Only the first N traces.")
@click.option(
    "--duration",
    type=click.FloatRange(0, min_open=True),
    help="Only the first so many seconds of event time.",
)
@click.option("--scores", type=click.Path(path_type=Path, dir_okay=False), help="Offline: a JSON line per execution.")
@click.option(
    "--anomalies",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Offline: the anomalies as JSON lines.",
)
@click.option(
    "--warm-up",
    type=click.IntRange(0),
    help="Traces not scored in the report (known recordings know theirs).",
)
@click.option(
    "--fit-processes",
    type=click.IntRange(0, 64),
    default=0,
    show_default=True,
    help="0: fit in this process.",
)
def replay(
    path: Path,
    offline: bool,
    speed: float,
    shift_to_now: bool,
    sent_as: Format | None,
    topic: str | None,
    batch: int | None,
    limit: int | None,
    duration: float | None,
    scores: Path | None,
    anomalies: Path | None,
    warm_up: int | None,
    fit_processes: int,
) -> None:
    """Replay recorded traces.

    FILE_OR_FOLDER is a folder of labelled traces (events.jsonl.gz), or a file of JSON lines, each an
    execution or an array of them (as `tracehound simulate --output` writes; .gz too).
    """
    if not offline and (scores or anomalies):
        raise click.UsageError("--scores and --anomalies need --offline; a worker's results are on its topics.")
    if offline:
        refuse_formats(sent_as, topic, "--offline")
    settings = load_settings()
    recording = open_recording(path)
    if offline:
        compile_first(lambda sentence: click.echo(sentence, err=True))
        with _progress(recording) as read:
            traces = recording.traces(limit, duration, read)
            kept = _score(recording, traces, settings, fit_processes, scores, anomalies)
        console().print(report(recording, kept, warm_up_traces(recording) if warm_up is None else warm_up))
        return
    to = destination(settings, sent_as or "executions", topic)
    with _progress(recording) as read:
        shift_s = _shift_to_now(recording, limit, duration, speed) if shift_to_now else 0.0
        sender = open_sender(settings, sent_as or "executions", to, batch, BATCH)
        pace = Pace(speed, sender.flush)
        if isinstance(sender, OtlpSender):
            send_spans(recording.as_recorded(limit, duration, read), sender, pace, shift_s)
        else:
            send_executions(recording.traces(limit, duration, read), sender, pace, shift_s)
    click.echo(f"Sent {sender.summary()} to {to.name}.")


def _score(
    recording: Recording,
    traces: Iterator[RecordedTrace],
    settings: Settings,
    fit_processes: int,
    scores: Path | None,
    anomalies: Path | None,
) -> TraceScores:
    fitter: Fitter = PoolFitter(fit_processes) if fit_processes else InlineFitter()
    with ExitStack() as stack:
        stack.callback(fitter.close)
        outputs = Outputs(_json_lines(stack, scores), _json_lines(stack, anomalies))
        prepared = map(with_templates, traces) if settings.normalize_operations else traces
        scorer = Scorer(settings.detection, fitter)
        return score_traces(prepared, scorer, recording.windows, outputs, settings.silence_interval_s)


def with_templates(trace: RecordedTrace) -> RecordedTrace:
    """The trace with ids in operation names replaced, as a worker does (in place)."""
    for execution in trace.executions:
        execution.operation = normalize_operation(execution.operation)
    return trace


def _json_lines(stack: ExitStack, path: Path | None) -> Callable[[object], object]:
    if path is None:
        return lambda _: None
    file: BinaryIO = stack.enter_context(path.open("wb"))
    encode = msgspec.json.Encoder().encode
    return lambda line: file.write(encode(line) + b"\n")


class Pace:
    """Lets event time pass ``speed`` times as fast as the clock; calls ``flush`` before it waits."""

    def __init__(
        self,
        speed: float,
        flush: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._speed = speed
        self._flush = flush
        self._clock = clock
        self._sleep = sleep
        self._first: tuple[float, float] | None = None

    def wait_until(self, event_s: float) -> None:
        """Return when an event of this time (epoch seconds) is due."""
        if self._first is None:
            self._first = (event_s, self._clock())
        first_event_s, first_s = self._first
        ahead_s = (event_s - first_event_s) / self._speed - (self._clock() - first_s)
        if ahead_s > LINGER_S:
            self._flush()
            self._sleep(ahead_s)


def send_executions(traces: Iterable[RecordedTrace], sender: Sender, pace: Pace, shift_s: float = 0.0) -> None:
    """Send the executions of traces, each ``shift_s`` seconds later than recorded, and await their delivery."""
    for trace in traces:
        pace.wait_until(trace.started_s)
        for execution in trace.executions:
            sender.send(shifted(execution, shift_s))
    sender.close()


def send_spans(traces: Iterable[Recorded], sender: OtlpSender, pace: Pace, shift_s: float = 0.0) -> None:
    """Send the spans of traces as recorded, ``shift_s`` seconds later (to whole microseconds), and await delivery."""
    shift_us = round(shift_s * 1e6)
    for recorded in traces:
        pace.wait_until(start_of(recorded))
        if isinstance(recorded, Trace):
            sender.send_trace(msgspec.structs.replace(recorded, start_us=recorded.start_us + shift_us))
        else:
            for execution in recorded:
                sender.send(shifted(execution, shift_s))
    sender.close()


def shifted(execution: Execution, by_s: float) -> Execution:
    """The execution ``by_s`` seconds later; itself for 0.

    >>> shifted(Execution("shop", "GET /", 10.0, 1.0), 5.0).started_at
    15.0
    """
    return msgspec.structs.replace(execution, started_at=execution.started_s + by_s) if by_s else execution


def _shift_to_now(recording: Recording, limit: int | None, duration: float | None, speed: float) -> float:
    starts = [execution.started_s for trace in recording.traces(limit, duration) for execution in trace.executions]
    if not starts:
        return 0.0
    return time.time() + (max(starts) - min(starts)) / speed - max(starts)


@contextmanager
def _progress(recording: Recording) -> Iterator[ReadBytes]:
    screen = Console(stderr=True)
    columns = (
        TextColumn(recording.name),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as bar:
        task = bar.add_task("read", total=recording.compressed_bytes)
        yield lambda read: bar.advance(task, read)
