"""The command `tracehound incidents`: makes incidents of anomalies; lists and shows those that were made."""

import click
from rich.console import Console
from rich.text import Text

from tracehound.schemas.anomaly import SEVERITIES, Severity
from tracehound.schemas.incident import Incident, IncidentEvent, SuspectedCause
from tracehound.scripts.commands.identities import resolved, short
from tracehound.scripts.commands.known_applications import require_known
from tracehound.scripts.commands.severity_colours import SEVERITY_COLOURS
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.commands.told import stored_incidents
from tracehound.scripts.kafka.clients import consumer_config
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import load_settings


@click.group(invoke_without_command=True)
@click.pass_context
def incidents(context: click.Context) -> None:
    """Make incidents of anomalies, from Kafka, until stopped.

    With a subcommand: list and show the incidents that were made.
    """
    if context.invoked_subcommand is None:
        from tracehound.streams.incidents.app import build_incidents
        from tracehound.streams.worker.worker import run_worker

        raise SystemExit(run_worker(load_settings(), build_incidents))


@incidents.command("list")
@click.option("--all", "every", is_flag=True, help="Those that are resolved, too.")
@click.option("--application", help="Only those that this application is part of.")
@click.option("--environment", help="Only of this environment; without it of all.")
@click.option("--severity", type=click.Choice(SEVERITIES), default="minor", show_default=True, help="Least severity.")
@click.option("--limit", default=20, show_default=True, help="The newest to print; all are counted.")
def list_incidents(
    every: bool, application: str | None, environment: str | None, severity: Severity, limit: int
) -> None:
    """List incidents, the newest last."""
    settings = load_settings()
    with TopicReader(consumer_config(settings)) as reader:
        if application is not None or environment is not None:
            require_known(reader, settings, application, environment)
        stored = stored_incidents(reader, settings)
    found = [
        events[-1]
        for events in stored.values()
        if (every or events[-1].data.state != "resolved")
        and application in (None, *events[-1].data.applications)
        and environment in (None, events[-1].data.environment)
        and SEVERITIES.index(events[-1].data.severity) >= SEVERITIES.index(severity)
    ]
    found.sort(key=lambda event: event.data.updated_at)
    console = _console()
    for event in found[-limit:] if limit > 0 else ():
        console.print(_line(event.data))
    open_ones = sum(events[-1].data.state != "resolved" for events in stored.values())
    shown = min(limit, len(found))
    console.print(f"{shown} of {len(stored)} incidents; {open_ones} are not resolved.")


@incidents.command("show")
@click.argument("incident_id", metavar="ID")
def show_incident(incident_id: str) -> None:
    """Show the incident ID, or the one whose id begins so: cause, operations, gravest anomalies and its history."""
    settings = load_settings()
    with TopicReader(consumer_config(settings)) as reader:
        stored = stored_incidents(reader, settings)
    events = stored[resolved(incident_id, stored, "an incident", "tracehound incidents list --all")]
    console = _console()
    for name, content in _facts(events[-1].data):
        console.print(Text.assemble((f"{name}: ", "bold"), printable(content)))
    console.print(Text("history:", "bold"))
    for event in events:
        console.print(_step(event))


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False, markup=False)


def _line(incident: Incident) -> Text:
    environment = f" ({incident.environment})" if incident.environment else ""
    return Text.assemble(
        (short(incident.incident_id), "bold"),
        (f"  {incident.severity.upper():8}", SEVERITY_COLOURS[incident.severity]),
        f"  {incident.state:10}  {incident.opened_at}",
        printable(f"{environment}  {incident.summary}"),
    )


def _facts(incident: Incident) -> list[tuple[str, str]]:
    before = incident.previous_severity
    previous = f" (was {before})" if before not in (None, incident.severity) else ""
    until = f", resolved {incident.resolved_at}" if incident.resolved_at else ""
    facts = [
        ("id", incident.incident_id),
        ("summary", incident.summary),
        ("state", f"{incident.state}, {incident.severity}{previous}"),
        ("environment", incident.environment or "(none)"),
        ("time", f"opened {incident.opened_at}, last changed {incident.updated_at}{until}"),
        ("suspected cause", _cause(incident.suspected_cause)),
        ("or else", _cause(incident.runner_up)),
        ("applications", ", ".join(incident.applications)),
    ]
    facts += [
        ("operation", f"{one.operation or '(all)'} of {one.application}, {one.anomalies} anomalies")
        for one in incident.operations
    ]
    facts += [("release", f"{one.application} {one.version} at {one.at}") for one in incident.releases]
    facts += [
        ("anomaly", f"{short(one.id)} {one.time} {one.severity} {one.kind}: {one.reason}")
        for one in incident.top_anomalies
    ]
    facts += [("trace", trace) for trace in incident.exemplar_trace_ids]
    if incident.muted_by:
        facts.append(("muted by", f"the maintenance window {incident.muted_by}"))
    return [(name, content) for name, content in facts if content]


def _cause(cause: SuspectedCause | None) -> str:
    return "" if cause is None else f"{cause.application}: {cause.why}"


def _step(event: IncidentEvent) -> Text:
    incident = event.data
    return Text.assemble(
        (f"  {incident.updated_at}", "dim"),
        (f"  {incident.severity:8}", SEVERITY_COLOURS[incident.severity]),
        printable(f"  {incident.state}: {incident.reason}; {incident.anomaly_count} anomalies"),
    )
