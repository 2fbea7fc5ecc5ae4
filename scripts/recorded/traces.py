"""Readers of recorded traces: the labelled folder format, and our own JSON lines of executions."""

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tracehound.schemas.errors import InvalidExecutionError, TracehoundError
from tracehound.schemas.execution import Execution
from tracehound.streams.intake.assembly.executions import Trace, executions_of

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


Recorded = Trace | list[Execution]
"""What a line of a recording holds."""


def start_of(recorded: Recorded) -> float:
    """When the trace, or the first of the executions, started: epoch seconds (0 where there is none)."""
    if isinstance(recorded, Trace):
        return recorded.start_us / 1e6
    return recorded[0].started_s if recorded else 0.0


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
        for number, recorded in self._numbered(limit, duration_s, read):
            try:
                executions = executions_of(recorded) if isinstance(recorded, Trace) else recorded
            except InvalidExecutionError as error:
                raise self._unusable(number, error) from error
            trace_id = recorded.trace_id if isinstance(recorded, Trace) else recorded[0].trace_id if recorded else ""
            yield RecordedTrace(trace_id, start_of(recorded), executions)

    def as_recorded(
        self, limit: int | None = None, duration_s: float | None = None, read: ReadBytes | None = None
    ) -> Iterator[Recorded]:
        """The same traces as they were recorded: spans where the file holds spans.

        Raises:
            InvalidExecutionError: a line is neither a trace nor executions; the message names file and line.
        """
        return (recorded for _, recorded in self._numbered(limit, duration_s, read))

    def _numbered(
        self, limit: int | None, duration_s: float | None, read: ReadBytes | None
    ) -> Iterator[tuple[int, Recorded]]:
        first: float | None = None
        for number, line in enumerate(_lines(self.events, read or _ignore), 1):
            if limit is not None and number > limit:
                return
            try:
                recorded = _decode(line)
            except (msgspec.DecodeError, ValueError) as error:
                raise self._unusable(number, error) from error
            started_s = start_of(recorded)
            first = started_s if first is None else first
            if duration_s is not None and started_s > first + duration_s:
                return
            yield number, recorded

    def _unusable(self, number: int, error: Exception) -> InvalidExecutionError:
        return InvalidExecutionError(f"Line {number} of {self.events} cannot be used: {error}")


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


def _decode(line: bytes) -> Recorded:
    is_array = line.lstrip()[:1] == b"["
    if not is_array and b'"spans"' in line and b'"start_us"' in line:
        return _as_trace.decode(line)
    executions = _as_executions.decode(line) if is_array else [_as_execution.decode(line)]
    for execution in executions:
        execution.started_at = execution.started_s  # as decoding a record does
    return executions
