"""The command `tracehound status`: what runs, what was stored, what was found, and what to do where something lacks."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import click
import msgspec
from rich.console import Console
from rich.text import Text

from tracehound.infra.kafka.topics import Client, check_topics, connect
from tracehound.schemas.anomaly import SEVERITIES, AnomalyEvent
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.model_event import ModelEvent
from tracehound.scripts.commands.dead_letter_topic import letters_since
from tracehound.scripts.commands.identities import short
from tracehound.scripts.commands.known_applications import newest_progress
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.commands.told import stored_incidents
from tracehound.scripts.kafka.clients import admin_config
from tracehound.scripts.kafka.groups import members_of, waiting_for
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.kafka.permissions import lacking_sentences
from tracehound.streams.settings.groups import Group, groups_of
from tracehound.streams.settings.settings import Settings, load_settings

_DAY_S = 86_400.0
_TIMEOUT_S = 5.0
_HTTP_TIMEOUT_S = 2.0
_LISTED = 3
_SCORING = "scoring"
_decode_anomaly: Callable[[bytes], AnomalyEvent] = msgspec.json.Decoder(AnomalyEvent).decode
_decode_model_event: Callable[[bytes], ModelEvent] = msgspec.json.Decoder(ModelEvent).decode


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: about what, what is so, and whether that keeps tracehound from working."""

    about: str
    said: str
    wrong: bool = False


@click.command()
def status() -> None:
    """Say what runs and what was found: broker, topics, processes, what arrived, was refused, is judged, is unusual.

    The exit status is 0 if executions are being scored, or would be if any came, and 1 if something lacks for that.
    """
    settings = load_settings()
    console = Console(soft_wrap=True, highlight=False, markup=False)
    wrong = False
    for finding in look(settings):
        wrong = wrong or finding.wrong
        style = "bold red" if finding.wrong else "bold"
        console.print(Text.assemble((f"{finding.about:13}", style), printable(finding.said)))
    if wrong:
        raise SystemExit(1)


def look(settings: Settings) -> Iterator[Finding]:
    """Everything that there is to say, the broker first.

    Raises:
        BrokerError: no broker answers.
    """
    client = connect(admin_config(settings))
    problems = check_topics(admin_config(settings), settings.topics, _TIMEOUT_S)
    problems = (lacking_sentences(settings, "reader") or problems) if problems else []  # not there, or not to be seen
    yield Finding("broker", f"answers at {settings.bootstrap_servers}")
    if problems:
        for problem in problems[:_LISTED]:
            yield Finding("topics", problem, wrong=True)
        if len(problems) > _LISTED:
            yield Finding("topics", f"and {len(problems) - _LISTED} more like these", wrong=True)
        return
    yield Finding("topics", f"all {len(settings.topics.all())} are there, with the prefix {settings.topic_prefix!r}")
    with TopicReader(settings) as reader:
        for process in groups_of(settings):
            yield _running(process, client, reader, settings)
        yield _gateway(settings)
        console = settings.console
        yield _seen_here("console", f"http://{console.host}:{console.port}", console.port, "the page and the API")
        for say in (_executions, _judged, _anomalies, _incidents, _refused):
            yield say(reader, settings)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _port(command: str, settings: Settings) -> int:
    ports = {"worker": settings.http_port, "intake": settings.intake.http_port, "notify": settings.notify.http_port}
    return ports.get(command, settings.incident_worker.http_port)


def _running(process: Group, client: Client, reader: TopicReader, settings: Settings) -> Finding:
    members = members_of(process.group, client)
    port = _port(process.command, settings)
    here = _health(f"http://{settings.http_host}:{port}")
    waiting = waiting_for(process.group, process.topics, reader, settings)
    said = [] if members is None else [f"{members} in the group {process.group!r}"]
    said += [] if here is None else [f"one here at port {port}, {here}"]
    runs = bool(members) or here is not None
    if not runs:
        said = [f"none is seen, and is needed for {process.needed_for}: tracehound {process.command}"]
    return Finding(
        process.command,
        f"{'; '.join(said)}; {_counted(waiting, 'record')} to be read",
        wrong=process.needed_for == _SCORING and not runs,
    )


def _gateway(settings: Settings) -> Finding:
    """Whether one is on this machine: gateways are in no group, and need not be."""
    gateway = settings.gateway
    scheme = "https" if gateway.tls_certificate_file is not None else "http"
    return _seen_here("gateway", f"{scheme}://{gateway.host}:{gateway.port}", gateway.port, "sending over HTTP")


def _seen_here(command: str, address: str, port: int, needed_for: str) -> Finding:
    here = _health(address)
    if here is None:
        return Finding(command, f"none is seen here, and is needed for {needed_for}: tracehound {command}")
    return Finding(command, f"one here at port {port}, {here}")


def _health(address: str) -> str | None:
    """What the process at an address says of itself; None where none answers."""
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=_HTTP_TIMEOUT_S) as answer:  # noqa: S310 (http(s))
            answer.read()
            return "ready"
    except urllib.error.HTTPError as error:
        with error:
            return _why_not_ready(error.read())
    except urllib.error.URLError as error:
        trusted = not isinstance(error.reason, ssl.SSLCertVerificationError)
        return None if trusted else "with a certificate that this machine does not trust"
    except (OSError, ValueError):  # nobody there, or nobody of ours
        return None


def _why_not_ready(answer: bytes) -> str | None:
    try:
        said = json.loads(answer)
        if faults := said.get("faults"):
            return f"not ready: {faults[0]}"
        return "compiling its kernels" if said.get("preparing") else "waiting for its partitions"
    except (ValueError, AttributeError):
        return None


def _executions(reader: TopicReader, settings: Settings) -> Finding:
    topic = settings.topics.executions.name
    ends = reader.ends(topic)
    records = sum(high - low for low, high in ends.values())
    if not records:
        return Finding("executions", f"none are stored: publish some to {topic}")
    newest_s = max(
        message.timestamp / 1000
        for message in reader.scan(topic, {partition: (high - 1, high) for partition, (_, high) in ends.items()})
    )
    return Finding("executions", f"{records:,} records are stored, the newest of {rfc3339(newest_s)}")


def _judged(reader: TopicReader, settings: Settings) -> Finding:
    topic = settings.topics.models.name
    judged: dict[tuple[str, str, str], bool] = {}
    for progress in newest_progress(reader, settings):
        judged |= {(progress.application, progress.environment, one): False for one in progress.operations}
    for message in reader.scan(topic, reader.ends(topic)):
        event = _decoded(_decode_model_event, message.value)
        if event is not None and event.data.operation and event.data.change in ("warming", "ready"):
            key = (event.data.application, event.data.environment, event.data.operation)
            judged[key] = event.data.change == "ready"
    applications = _counted(len({key[:2] for key in judged}), "application")
    ready, operations = sum(judged.values()), _counted(len(judged), "operation")
    others = "" if ready == len(judged) else ", the others have too few executions yet"
    return Finding("models", f"{applications}; {ready} of {operations} judged{others}")


def _anomalies(reader: TopicReader, settings: Settings) -> Finding:
    topic = settings.topics.anomalies.name
    found: Counter[str] = Counter()
    newest: AnomalyEvent | None = None
    for message in reader.scan_since(topic, time.time() - _DAY_S):
        event = _decoded(_decode_anomaly, message.value)
        if event is not None:
            found[event.data.severity] += 1
            newest = event if newest is None or event.time > newest.time else newest
    if newest is None:
        return Finding("anomalies", "none in the last 24 h")
    counts = ", ".join(f"{found[severity]} {severity}" for severity in reversed(SEVERITIES) if found[severity])
    said = f"{short(newest.id)} {newest.data.application}: {newest.data.reason}"
    return Finding("anomalies", f"{counts} in the last 24 h; the newest: {said}")


def _incidents(reader: TopicReader, settings: Settings) -> Finding:
    stored = stored_incidents(reader, settings)
    lasting = [events[-1].data for events in stored.values() if events[-1].data.state != "resolved"]
    said = f"{len(lasting)} of {len(stored)} are not resolved"
    if lasting:
        worst = max(lasting, key=lambda one: (SEVERITIES.index(one.severity), one.updated_at))
        said += f"; the gravest: {short(worst.incident_id)} {worst.severity}: {worst.summary}"
    return Finding("incidents", said)


def _refused(reader: TopicReader, settings: Settings) -> Finding:
    topic = settings.topics.dead_letters.name
    letters = list(letters_since(reader, topic, time.time() - _DAY_S))
    if not letters:
        return Finding("refused", "nothing in the last 24 h")
    newest = max(letters, key=lambda one: one.stored_s)
    said = f"{newest.id.partition}-{newest.id.offset} {newest.letter.error}: {newest.letter.reason}"
    return Finding("refused", f"{len(letters)} in the last 24 h; the newest: {said} (tracehound deadletters list)")


Event = TypeVar("Event", AnomalyEvent, ModelEvent)


def _decoded(decode: Callable[[bytes], Event], value: bytes | None) -> Event | None:
    try:
        return decode(value or b"")
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
