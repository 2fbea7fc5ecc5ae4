"""The command `tracehound tune`: tries settings on recorded executions, on all workers there are."""

import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec
from confluent_kafka import OFFSET_BEGINNING, TopicPartition
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracehound.detectors.candidates import candidates
from tracehound.schemas.errors import BrokerError, InvalidExecutionError, TracehoundError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.moments import parse_moment
from tracehound.schemas.tuning import Confirmed, TuningResult, TuningTask, is_cancellation, read_tuning_result
from tracehound.scripts.acceptance.operators_list import read_incidents
from tracehound.scripts.commands.announcing import announce
from tracehound.scripts.commands.named_settings import read_values, settings_text
from tracehound.scripts.commands.recorded_file import FileOfExecutions, write_recorded
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.commands.validate import open_source, read_lines
from tracehound.scripts.kafka.topic_reading import TopicReader, Unreadable
from tracehound.streams.scoring.tuning.plan import best_of, planned
from tracehound.streams.scoring.tuning.recorded import KafkaRecordings, Recorded
from tracehound.streams.settings.settings import Settings, load_settings


@click.command()
@click.argument("application")
@click.option("--environment", default="", help="The environment of the application.")
@click.option("--set", "given", multiple=True, help="A setting of detection and its values: least_sigma=4,5,6.")
@click.option("--since", default=None, help="Executions from then on: 2d, or RFC 3339; without it all that Kafka has.")
@click.option("--file", "path", help="Executions of this file instead, as for `validate`; - is standard input.")
@click.option(
    "--incidents", type=click.Path(path_type=Path, dir_okay=False), help="Confirmed ones: CSV, start and end."
)
@click.option("--most", default=20, show_default=True, help="Candidates; of more combinations some are drawn.")
@click.option("--budget-cpu-s", default=600.0, show_default=True, help="CPU seconds of all candidates together.")
@click.option("--budget-money", type=float, help="Instead: money, at console.price_per_cpu_hour.")
@click.option("--timeout", "timeout_s", default=3_600.0, show_default=True, help="Seconds until tasks expire.")
@click.option("--resume", "tuning", help="Wait for one that was begun before, by its id.")
@click.option("--json", "as_json", is_flag=True, help="A JSON line for each candidate.")
def tune(
    application: str,
    environment: str,
    given: tuple[str, ...],
    since: str | None,
    path: str | None,
    incidents: Path | None,
    most: int,
    budget_cpu_s: float,
    budget_money: float | None,
    timeout_s: float,
    tuning: str | None,
    as_json: bool,
) -> None:
    """Try settings on what was recorded of APPLICATION, and say what each would have told.

    Candidates are tasks on Kafka that workers take; they score while their helper processes try. One whose worker dies
    is run again by the next. Nothing is changed: the best one's settings are printed.
    """
    settings = load_settings()
    with TopicReader(settings) as reader:
        results = settings.topics.tuning_results.name
        if tuning is None:
            if budget_money is not None:
                price = settings.console.price_per_cpu_hour
                budget_cpu_s = 3_600.0 * budget_money / price if price else budget_cpu_s
            tuning_id = uuid.uuid4().hex[:12]
            recorded = _recorded(settings, (application, environment), tuning_id, path)
            begins = [TopicPartition(results, 0, recorded.results_from)]
            confirmed = [] if incidents is None else read_incidents(incidents, application)
            now_s = time.time()
            whose = TuningTask(
                id="-",
                tuning=tuning_id,
                number=0,
                application=application,
                environment=environment,
                settings={},
                partition=recorded.partition,
                first=recorded.first,
                last=recorded.last,
                since=0.0 if since is None else parse_moment(since, now_s),
                confirmed=[Confirmed(one.start_s, one.end_s) for one in confirmed],
                most_cpu_s=1.0,
                expires_at=now_s + timeout_s,
                asked_at=now_s,
                results_from=recorded.results_from,
                from_file=path is not None,
            )
            tasks = planned(settings.detection, whose, candidates(read_values(given), most), budget_cpu_s)
            for task in tasks:
                announce(settings, settings.topics.tuning_tasks, task.id, task)
            tuning, count = whose.tuning, len(tasks)
            click.echo(f"{count} candidates are tried as {tuning}; --resume {tuning} waits for them again.", err=True)
        else:
            begins = [TopicPartition(results, number, OFFSET_BEGINNING) for number in reader.partitions(results)]
            count = 0
        found = list(_gathered(reader, begins, tuning, count, time.monotonic() + timeout_s))
    _tell(sorted(found, key=lambda one: one.number), as_json)


def _recorded(settings: Settings, key: ApplicationKey, tuning: str, path: str | None) -> Recorded:
    """What settings are tried on: what Kafka has of the application, or a file, which is put there.

    Raises:
        TracehoundError: there is nothing of it, or the file is none.
    """
    now = KafkaRecordings(settings).of(key[0])
    whose = printable(" in ".join(filter(None, key)))
    if path is not None:
        file = FileOfExecutions(settings, key, time.time())
        with open_source(path) as source:
            now = write_recorded(settings, tuning, file.records(read_lines(source, settings.max_record_bytes)), now)
        click.echo(f"{file.found} executions of {whose} were read; {file.others} of others are left out.", err=True)
    if now.first >= now.last:
        raise TracehoundError(f"{'Kafka' if path is None else printable(path)} has no executions of {whose}.")
    return now


def _gathered(
    reader: TopicReader, begins: Sequence[TopicPartition], tuning: str, count: int, until_s: float
) -> Iterator[TuningResult]:
    """The results of a tuning, each once; ``count`` of them, or (0) those that there are by now."""
    seen: set[str] = set()
    positions = list(begins)
    while time.monotonic() < until_s:
        for message in reader.newest(positions, until_s):
            if isinstance(message, Unreadable):
                raise BrokerError(f"Results cannot be read: {message.why}")
            positions = [
                TopicPartition(one.topic, one.partition, message.offset + 1)
                if one.partition == message.partition
                else one
                for one in positions
            ]
            try:
                result = read_tuning_result(message.value)
            except InvalidExecutionError:
                continue
            if result.tuning == tuning and result.id not in seen and not is_cancellation(result):
                seen.add(result.id)
                click.echo(f"{len(seen)} of {count or '?'}: {result.id} is {result.state}", err=True)
                yield result
        if len(seen) >= count:
            return
        time.sleep(0.5)
    raise TracehoundError(f"Only {len(seen)} of {count} candidates were tried in time: --resume {tuning} waits again.")


def _tell(results: Sequence[TuningResult], as_json: bool) -> None:
    if as_json:
        for result in results:
            click.echo(msgspec.json.encode(result).decode())
        return
    best = best_of(results)
    table = Table("", "settings", "state", "executions", "days", "anomalies a day outside", "found", "CPU s", "by")
    for one in results:
        named = settings_text(one.settings) or "as they are"
        found = f"{one.found} of {one.confirmed}" if one.confirmed else ""
        shown = (one.state, f"{one.executions:,}", f"{one.days:.2f}", f"{one.outside_a_day:.2f}", found)
        mark = "best" if one is best else ""
        table.add_row(*map(Text, (mark, named, *shown, f"{one.cpu_s:.2f}", printable(one.host))))
    Console().print(table)
    for one in results:
        if one.sentence:
            click.echo(f"{one.id}: {printable(one.sentence)}")
    if best is not None and best.settings:
        variables = " ".join(f"TRACEHOUND_DETECTION__{name.upper()}={value:g}" for name, value in best.settings.items())
        click.echo(f"To set it: {variables}")
