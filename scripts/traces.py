"""Readers of recorded traces: the labelled folder format, and our own JSON lines of executions."""

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from schemas.errors import InvalidExecutionError, TracehoundError
from schemas.execution import Execution
from streams.intake.spans import Trace, executions_of

EVENTS = "events.jsonl.gz"
LABELS = "labels.jsonl.gz"
WINDOWS = "windows.json"

ReadBytes = Callable[[int], None]
"""Told how many more bytes of the (compressed) file have been read, for progress bars."""


class MissingRecordingError(TracehoundError):
    """There is nothing to replay at the path given; the message says where recordings come from."""


class FaultWindow(msgspec.Struct):
    """A fault injected into ``service`` at ``inject_s`` (epoch seconds); ``visible``: its effect shows."""

    inject_s: float
    service: str
    type: str
    visible: bool = True


class Label(msgspec.Struct):
    """What is known about one trace: 1 faulty, 0 normal, -1 ignored; ``window`` is an index or -1."""

    trace_id: str
    label: int
    window: int = -1
    part: str = ""


class _Windows(msgspec.Struct):
    windows: list[FaultWindow]


@dataclass(frozen=True, slots=True)
class RecordedTrace:
    """The executions of one trace in the order in which they are sent and scored; start in epoch seconds.

    Traces come in the order of the file (ascending start of trace), executions in the order of their entry
    spans. Online and offline replay use this one order.
    """

    trace_id: str
    started_s: float
    executions: list[Execution]


@dataclass(frozen=True)
class Recording:
    """A file of traces or executions to replay. Iterate over ``traces``.

    ``events`` is the file, ``labels`` has one entry per trace in the file's order (empty where nothing is
    known), ``windows`` the faults injected.
    """

    name: str
    events: Path
    labels: Sequence[Label] = field(default=())
    windows: Sequence[FaultWindow] = field(default=())

    @property
    def compressed_bytes(self) -> int:
        """Size of the events file, the total of a progress bar."""
        return self.events.stat().st_size

    def traces(
        self, limit: int | None = None, duration_s: float | None = None, read: ReadBytes | None = None
    ) -> Iterator[RecordedTrace]:
        """The traces in order: at most ``limit``, and those that start within ``duration_s`` of the first.

        Raises:
            InvalidExecutionError: a line is neither a trace nor executions; the message names file and line.
        """
        first: float | None = None
        for number, line in enumerate(_lines(self.events, read or _ignore), 1):
            if limit is not None and number > limit:
                return
            trace = _decode(line, self.events, number)
            first = trace.started_s if first is None else first
            if duration_s is not None and trace.started_s > first + duration_s:
                return
            yield trace


def open_recording(path: Path) -> Recording:
    """The recording at ``path``: a folder in the labelled format, or a file of JSON lines (``.gz`` or plain).

    Raises:
        MissingRecordingError: there is none; the message says where recordings come from.
    """
    if path.is_file():
        return Recording(path.name, path)
    if not (path / EVENTS).is_file():
        found = f"The folder {path} has no {EVENTS}" if path.is_dir() else f"{path} does not exist"
        raise MissingRecordingError(
            f"{found}. Recorded traces are not part of this repository: give the path of a folder of "
            f"labelled traces (usually ../shared/data/traces/<name>), or make a file with "
            f"`tracehound simulate --output FILE`."
        )
    labels, windows = path / LABELS, path / WINDOWS
    decoder = msgspec.json.Decoder(Label)
    try:
        return Recording(
            path.name,
            path / EVENTS,
            [decoder.decode(line) for line in _lines(labels, _ignore)] if labels.is_file() else (),
            msgspec.json.decode(windows.read_bytes(), type=_Windows).windows if windows.is_file() else (),
        )
    except msgspec.DecodeError as error:
        raise MissingRecordingError(f"The labels or windows of {path} cannot be read: {error}.") from error


def _ignore(read: int) -> None:
    """Nobody watches."""


def _lines(path: Path, read: ReadBytes) -> Iterator[bytes]:
    """Lines that are not blank; gzip is recognised by content."""
    with path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        source: Iterable[bytes] = gzip.GzipFile(fileobj=raw) if compressed else raw
        reported = 0
        try:
            for line in source:
                position = raw.tell()
                if position > reported:
                    read(position - reported)
                    reported = position
                if not line.isspace():
                    yield line
        except (EOFError, gzip.BadGzipFile) as error:
            raise InvalidExecutionError(f"The file {path} is damaged: {error}.") from error


_as_trace = msgspec.json.Decoder(Trace)
_as_executions = msgspec.json.Decoder(list[Execution])
_as_execution = msgspec.json.Decoder(Execution)


def _decode(line: bytes, path: Path, number: int) -> RecordedTrace:
    try:
        if line.lstrip()[:1] == b"[":
            return _of_executions(_as_executions.decode(line))
        if b'"spans"' in line and b'"start_us"' in line:
            trace = _as_trace.decode(line)
            return RecordedTrace(trace.trace_id, trace.start_us / 1e6, executions_of(trace))
        return _of_executions([_as_execution.decode(line)])
    except (msgspec.DecodeError, ValueError, InvalidExecutionError) as error:
        raise InvalidExecutionError(f"Line {number} of {path} cannot be used: {error}") from error


def _of_executions(executions: list[Execution]) -> RecordedTrace:
    if not executions:
        return RecordedTrace("", 0.0, [])
    for execution in executions:
        execution.started_at = execution.started_s  # as decoding a record does
    return RecordedTrace(executions[0].trace_id, executions[0].started_s, executions)
