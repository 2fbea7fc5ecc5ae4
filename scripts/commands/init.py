"""The command `tracehound init`: looks at a broker's topics and writes the settings that read them."""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracehound.infra.kafka.ports import is_free
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import rfc3339
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.discovery.recognition import Finding, Recognition
from tracehound.scripts.discovery.sampling import MOST_TOPICS, sample_topics
from tracehound.scripts.discovery.settings_file import chosen, unread, written
from tracehound.streams.settings.settings import Settings, load_settings

_FILE = "tracehound.toml"
_QUESTION = "Kafka's address (host:port), or only a port to receive on over HTTP"
_UNUSABLE, _EMPTY = 20, 5
"""Topics of which nothing can be read, and topics without records, that are named one by one."""
_HTTP = """\
Nothing lies there yet. Run `tracehound up`, and send to it:
  executions      curl http://127.0.0.1:{port}/v1/executions -H 'Content-Type: application/json' -d '{{...}}'
  OpenTelemetry   OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{port} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
  Zipkin          http://127.0.0.1:{port}/api/v2/spans"""


@click.command("init")
@click.option("--broker", help="Kafka's address, host:port; asked for where neither is given.")
@click.option("--http", "port", type=click.IntRange(1, 65_535), help="No Kafka to look at: receive on this port.")
@click.option("--topic", "topics", multiple=True, help="Look at this topic only; may be given several times.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), default=_FILE, show_default=True)
@click.option("--yes", is_flag=True, help="Ask nothing: take what is proposed.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init_command(
    broker: str | None, port: int | None, topics: tuple[str, ...], output: Path, yes: bool, force: bool
) -> None:
    """Look at what lies on Kafka's topics, and write the settings that read it.

    Says of each topic what it holds, shows executions that would be made of it, and proposes how JSON with names of its
    own becomes executions. How to talk to Kafka (TLS, SASL) is taken from the settings, as for all commands. It writes
    nothing to Kafka, commits nothing, and writes over no file without being told.
    """
    console = Console(soft_wrap=True, highlight=False, markup=False)
    _check_file(output, yes, force)
    given = load_settings()
    if broker is None and port is None and not yes:
        answer = click.prompt(_QUESTION, default=given.bootstrap_servers).strip()
        broker, port = (None, _port(answer)) if answer.isdigit() else (answer, None)
    if port is not None:
        if not is_free(port):
            raise ConfigurationError(f"The port must be free on this machine. Something listens on {port}.")
        _write(console, output, given, [], port, yes)
        console.print(_HTTP.format(port=port))
        return
    settings = load_settings(bootstrap_servers=broker) if broker is not None else given
    findings = _look(console, settings, topics)
    taken = [one for one in findings if _is_taken(console, one, yes)]
    if not taken:
        raise ConfigurationError(
            "No topic holds anything that could be read, so nothing is written. Look at one by its name (--topic), or "
            "receive over HTTP: tracehound init --http 4318."
        )
    _write(console, output, settings, taken, None, yes)
    for one in unread(taken):
        console.print(
            f"{printable(one.topic)} wants another 'execution_fields' than the others, of which there is one: it is "
            "not read."
        )


def _port(answer: str) -> int:
    if not 1 <= int(answer) <= 65_535:
        raise ConfigurationError(f"The port must be from 1 to 65535. Got {answer} instead.")
    return int(answer)


def _check_file(output: Path, yes: bool, force: bool) -> None:
    if output.exists() and not force and (yes or not click.confirm(f"{output} is there already. Write over it?")):
        raise ConfigurationError(
            f"The file {str(output)!r} is there already, and stays as it is: --force, or --output FILE."
        )


def _look(console: Console, settings: Settings, topics: Sequence[str]) -> list[Finding]:
    samples = sample_topics(settings, topics)
    recognition = Recognition(settings)
    findings = [recognition.of(sample) for sample in samples.topics]
    _show(console, findings)
    if samples.passed_over:
        console.print(
            f"{samples.passed_over:,} more topics were not read: the {MOST_TOPICS} that hold most were. Name those "
            "that matter with --topic."
        )
    if not findings:
        console.print(f"There is no topic at {settings.bootstrap_servers}, or none that this user may see.")
    return findings


def _show(console: Console, findings: Iterable[Finding]) -> None:
    usable = [one for one in findings if one.executions]
    empty = [one for one in findings if one.kind == "empty"]
    others = [one for one in findings if not one.executions and one.kind != "empty"]
    for one in usable:
        read = f"{one.read} of the newest {one.seen} records read, {one.sample.held:,} held"
        console.print(Text.assemble((printable(one.topic), "bold"), f": {printable(one.what)} ({read})"))
        console.print(_preview(one))
    for one in others[:_UNUSABLE]:
        console.print(Text.assemble((printable(one.topic), "dim"), f": {printable(one.what)}"))
    if len(others) > _UNUSABLE:
        console.print(f"... and {len(others) - _UNUSABLE:,} topics more of which nothing can be read.")
    if len(empty) > _EMPTY:
        console.print(f"{len(empty):,} topics hold nothing.")
        return
    for one in empty:
        console.print(Text.assemble((printable(one.topic), "dim"), f": {one.what}"))


def _preview(finding: Finding) -> Table:
    table = Table("application", "operation", "started_at", "duration_ms", "status", "segments", box=None)
    for each in finding.executions:
        table.add_row(
            printable(each.application),
            printable(each.operation),
            rfc3339(each.started_s),
            f"{each.duration_ms:,.6g}",
            each.status,
            str(len(each.segments)),
        )
    return table


def _is_taken(console: Console, finding: Finding, yes: bool) -> bool:
    if not finding.executions:
        return False
    if finding.proposal is not None:
        console.print(Text(f"How {printable(finding.topic)} would be read:"))
        for each in finding.proposal.fields:
            console.print(Text(f"  {each.name} = {printable(each.written)}   {printable(each.why)}"))
    return yes or click.confirm(f"Read {printable(finding.topic)}?", default=True)


def _write(
    console: Console, output: Path, settings: Settings, findings: Sequence[Finding], port: int | None, yes: bool
) -> None:
    text = written(chosen(settings, findings, port), output.name)
    load_settings(**tomllib.loads(text))  # whatever is written can be read
    console.print(Text(f"\n{text}"))
    if not yes and not click.confirm(f"Write this to {output}?", default=True):
        console.print("Nothing was written.")
        return
    output.write_text(text, encoding="utf-8")
    console.print(f"Written to {output}. Use it: export TRACEHOUND_CONFIG={output}")
