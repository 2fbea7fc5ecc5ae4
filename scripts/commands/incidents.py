"""The command `tracehound incidents`: makes incidents of anomalies; lists and shows those that were made."""

import click
import msgspec
from rich.console import Console
from rich.text import Text

from tracehound.schemas.anomaly import SEVERITIES, Severity
from tracehound.schemas.incident import Incident, IncidentEvent, SuspectedCause
from tracehound.scripts.commands.console_options import repeated, since_option, watch_option
from tracehound.scripts.commands.console_tables import json_option, print_json
from tracehound.scripts.commands.identities import short
from tracehound.scripts.commands.severity_colours import SEVERITY_COLOURS
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.commands.told_incidents import (
    IncidentsAsked,
    incidents_of_console,
    incidents_of_kafka,
    life_of_console,
    life_of_kafka,
)
from tracehound.scripts.console.client import console_is_named
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
@since_option
@watch_option
@json_option
def list_incidents(
    every: bool,
    application: str | None,
    environment: str | None,
    severity: Severity,
    limit: int,
    since: float | None,
    until: float | None,
    every_s: float | None,
    as_json: bool,
) -> None:
    """List incidents, the newest last; --since and --until are about when they were opened.

    From the console where TRACEHOUND_CONSOLE_URL or a key of it is set, else from Kafka.

    \b
    tracehound incidents list
    tracehound incidents list --all --since 7d --severity major
    tracehound incidents list --application shop --json
    """
    asked = IncidentsAsked(every, application, environment, SEVERITIES.index(severity), since, until)
    source = incidents_of_console if console_is_named() else incidents_of_kafka

    def tell() -> None:
        told = source(asked, limit)
        if as_json:
            print_json({"items": told.items})
            return
        console = _console()
        for event in reversed(told.events):
            console.print(_line(event.data))
        console.print(told.summary)

    repeated(every_s, tell)


@incidents.command("show")
@click.argument("incident_id", metavar="ID")
@json_option
def show_incident(incident_id: str, as_json: bool) -> None:
    """Show the incident ID, or the one whose id begins so: cause, operations, gravest anomalies and its history.

    From the console where TRACEHOUND_CONSOLE_URL or a key of it is set, else from Kafka.

    \b
    tracehound incidents show 898dd1b3
    tracehound incidents show 898dd1b3 --json
    """
    told = (life_of_console if console_is_named() else life_of_kafka)(incident_id)
    if as_json:
        print_json({"items": told.items})
        return
    console = _console()
    for name, content in _facts(told.events[-1].data):
        console.print(Text.assemble((f"{name}: ", "bold"), printable(content)))
    console.print(Text("history:", "bold"))
    for event in told.events:
        console.print(_step(event))


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False, markup=False)


def _line(incident: Incident) -> Text:
    environment = f" ({incident.environment})" if incident.environment else ""
    quiet = incident.recurring
    severity = (f"  {incident.severity.upper():8}", SEVERITY_COLOURS[incident.severity])
    return Text.assemble(
        (printable(short(incident.incident_id)), "bold"),
        severity if quiet is msgspec.UNSET else ("  QUIET   ", "dim"),
        f"  {incident.state:10}  {incident.opened_at}",
        printable(f"{environment}  {incident.summary}"),
        "" if quiet is msgspec.UNSET else (printable(f" {quiet.sentence.capitalize()}."), "dim"),
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
    if incident.recurring is not msgspec.UNSET:
        facts.append(("quiet", f"{incident.recurring.sentence}. {incident.recurring.alarms_when}"))
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
