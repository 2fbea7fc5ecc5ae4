"""The command `tracehound validate`: says what is wrong with a file of executions or log events, line by line."""

import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from gzip import GzipFile
from io import BufferedIOBase, BufferedReader
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.log_rules import decode_log_record
from tracehound.schemas.rejection import Rejection
from tracehound.scripts.commands.terminal_text import printable
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.envelopes.registered import RegisteredSchemas
from tracehound.streams.settings.settings import Settings, load_settings

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one line, counted from 1: error class, sentence, and how many items it concerns."""

    line: int
    error: str
    reason: str
    items: int


Read = Callable[[bytes], tuple[int, Sequence[Rejection]]]
"""Judges a record: how many items of it are good, and what is refused."""


@dataclass(slots=True)
class Tally:
    """What was seen so far, of what is called ``items``. A record that is refused whole counts as one."""

    items: str = "executions"
    lines: int = 0
    bad_lines: int = 0
    valid: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def summary(self) -> str:
        """One sentence, and the errors by their class."""
        refused = self.errors.total()
        text = f"{self.lines} lines, {self.valid + refused} {self.items}: {self.valid} valid, {refused} refused"
        if not refused:
            return text + "."
        by_error = ", ".join(f"{error} {count}" for error, count in self.errors.most_common())
        return f"{text} in {self.bad_lines} lines ({by_error})."


def read_lines(stream: BufferedIOBase, longest: int) -> Iterator[bytes]:
    """Lines without their ends. Of one that is longer than ``longest`` bytes, only the beginning is kept."""
    while line := stream.readline(longest + 2):
        rest = line
        while not rest.endswith(b"\n") and (rest := stream.readline(longest)):
            pass
        yield line.rstrip(b"\r\n")


def reads_executions(settings: Settings, now_s: float) -> Read:
    """Judges records of executions as workers do."""
    mapping = FieldMapping(settings.execution_fields)
    reader = ExecutionReader(settings.limits, RegisteredSchemas(settings.schemas_dir), mapping)

    def read(value: bytes) -> tuple[int, Sequence[Rejection]]:
        decoded = reader.decode(value, (), now_s)
        return len(decoded.executions), decoded.rejected

    return read


def reads_logs(settings: Settings, now_s: float) -> Read:
    """Judges records of log events as intake and the gateway do."""

    def read(value: bytes) -> tuple[int, Sequence[Rejection]]:
        decoded = decode_log_record(value, settings.limits, now_s)
        return len(decoded.events), decoded.rejected

    return read


def find_problems(lines: Iterable[bytes], read: Read, tally: Tally) -> Iterator[Problem]:
    """Judge each line as the record would be judged; blank lines are passed over. Counts in ``tally``."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        valid, rejected = read(line)
        tally.lines += 1
        tally.valid += valid
        tally.bad_lines += bool(rejected)
        for rejection in rejected:
            count = len(rejection.indexes) or 1
            tally.errors[rejection.error] += count
            yield Problem(number, rejection.error, rejection.reason, count)


@contextmanager
def open_source(path: str) -> Iterator[BufferedIOBase]:
    """A file or, for ``-``, standard input; gzip is recognised by its content.

    Raises:
        TracehoundError: the file cannot be read, or not to its end.
    """
    name = "standard input" if path == "-" else repr(path)
    try:
        with ExitStack() as stack:
            opened = sys.stdin.buffer if path == "-" else stack.enter_context(Path(path).open("rb"))
            stream = BufferedReader(opened)  # type: ignore[type-var]  # nested on purpose: both can be peeked
            packed = stream.peek(2)[:2] == _GZIP_MAGIC
            yield stack.enter_context(GzipFile(fileobj=stream)) if packed else stream
    except (OSError, EOFError, zlib.error) as error:
        raise TracehoundError(f"Reading {name} failed: {error}.") from error


@click.command()
@click.argument("file")
@click.option("--limit", default=100, show_default=True, help="Problems to print; all are counted.")
@click.option("--logs", is_flag=True, help="FILE holds log events.")
def validate(file: str, limit: int, logs: bool) -> None:
    """Say what is wrong with the executions (or log events) in FILE, line by line.

    Each line of FILE is the value of a record: one execution, or a JSON array of executions of one application.
    What producers put around them is taken away as workers do. With --logs it is one log event, or an array of them.
    FILE may be compressed with gzip; - is standard input. The status is 1 if anything is wrong.
    """
    settings = load_settings()
    read = (reads_logs if logs else reads_executions)(settings, time.time())
    console = Console(soft_wrap=True, highlight=False, markup=False)
    tally = Tally("log events" if logs else "executions")
    with open_source(file) as source:
        lines = read_lines(source, settings.max_record_bytes)
        for shown, problem in enumerate(find_problems(lines, read, tally), 1):
            if shown <= limit:
                where = f"{printable(file)}:{problem.line}: "
                console.print(Text.assemble((where, "bold"), printable(problem.reason)))
            elif shown == limit + 1:
                console.print("More problems follow; they are counted only (--limit prints more).")
    console.print(tally.summary, style="red" if tally.errors else "green")
    if tally.errors:
        raise SystemExit(1)
