"""The command `tracehound score`: says what workers would say of the executions in a file, which they do not learn."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import Execution
from tracehound.schemas.score import Prediction, ScoreProblem
from tracehound.scripts.commands.severity_colours import SEVERITY_COLOURS
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.commands.validate import open_source, read_lines
from tracehound.streams.scoring.predictions.asking import MOST_BYTES, PredictionClient
from tracehound.streams.scoring.predictions.given import AnswerRules, GivenExecutions
from tracehound.streams.settings.settings import load_settings


@dataclass(frozen=True, slots=True)
class _Asked:
    """Executions of one application and environment, with the line of the file that each of them stands in."""

    lines: list[int]
    executions: list[Execution]


class RefusedFileError(TracehoundError):
    """A line of the file is no execution; the message says which, and why."""


def requests_of(lines: Iterable[bytes], given: GivenExecutions, most: int, now_s: float) -> Iterator[_Asked]:
    """What is asked for at a time: neighbours of one application and environment, at most so many.

    Raises:
        RefusedFileError: a line breaks a rule.
    """
    asked, size = _Asked([], []), 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        read = given.read(line, now_s)
        if isinstance(read, ScoreProblem):
            raise RefusedFileError(f"Line {number}: {read.reason}")
        first, last = read[0], asked.executions[-1] if asked.executions else read[0]
        same = (first.application, first.environment) == (last.application, last.environment)
        if not same or len(asked.executions) + len(read) > most or size + len(line) > MOST_BYTES // 2:
            if asked.executions:
                yield asked
            asked, size = _Asked([], []), 0
        asked.lines.extend([number] * len(read))
        asked.executions.extend(read)
        size += len(line)
    if asked.executions:
        yield asked


@click.command()
@click.argument("file")
@click.option("--timeout", "timeout_s", default=10.0, show_default=True, help="Seconds that a worker may take.")
@click.option("--json", "as_json", is_flag=True, help="A JSON line for each execution.")
def score(file: str, timeout_s: float, as_json: bool) -> None:
    """Say what workers would say of the executions in FILE, by what they have learned until now.

    They do not learn them. Each line of FILE is one execution, or a JSON array of executions of one application, as for
    `tracehound validate`; - is standard input. Neighbours of one application are judged in order, as if they came now.
    The status is 1 if anything in FILE is wrong, 2 if no worker answers.
    """
    settings = load_settings()
    rules = AnswerRules.of(settings)
    client = PredictionClient(settings)
    console = Console()
    try:
        with open_source(file) as source:
            lines = read_lines(source, settings.max_record_bytes)
            asked = list(requests_of(lines, GivenExecutions(rules), rules.most, time.time()))
        for one in asked:
            _tell(one, _predictions(client, one, timeout_s), console, as_json)
    except RefusedFileError as error:
        click.echo(f"{printable(file)}: {printable(str(error))}", err=True)
        raise SystemExit(1) from None
    finally:
        client.close()


def _predictions(client: PredictionClient, asked: _Asked, timeout_s: float) -> list[Prediction]:
    first = asked.executions[0]
    key = (first.application, first.environment)
    answer = client.ask(key, msgspec.json.encode(asked.executions), timeout_s).result()
    if answer.problem is not None:
        raise TracehoundError(f"Lines {asked.lines[0]} to {asked.lines[-1]}: {answer.problem.reason}")
    return answer.predictions


def _tell(asked: _Asked, predictions: Sequence[Prediction], console: Console, as_json: bool) -> None:
    if as_json:
        for line, execution, one in zip(asked.lines, asked.executions, predictions, strict=True):
            about = {"line": line, "application": execution.application, "operation": execution.operation}
            click.echo(msgspec.json.encode(about | msgspec.to_builtins(one)).decode())
        return
    table = Table("line", "application", "operation", "prediction", "severity", "score", "confidence", "why")
    for line, execution, one in zip(asked.lines, asked.executions, predictions, strict=True):
        style = "" if one.severity is None else SEVERITY_COLOURS[one.severity]
        why = "; ".join(anomaly.data.reason for anomaly in one.anomalies)
        of = (str(line), printable(execution.application), printable(execution.operation))
        said = (one.prediction, one.severity or "", f"{one.score:.2f}", f"{one.confidence:.2f}", printable(why))
        table.add_row(*map(Text, (*of, *said)), style=style)
    console.print(table)
