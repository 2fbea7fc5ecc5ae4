"""What the database holds: one file for each kind of thing, all in one ``MetaData``.

Times are integers, microseconds since the epoch (UTC), in columns that end in ``_us``. What was told is kept whole
beside the columns by which it is found: ``event`` is its JSON as it was on the topic. ``seq`` grows in the order in
which rows were stored, so that whoever knows the last one that it has seen can ask for what came after it; ``id`` is
the event's own, and no two rows have the same.

A table of another room of the console belongs here too, in a file of its own that is imported below; then
``python -m tracehound.console.store.migrations "what it is for"`` writes the migration.
"""

from tracehound.console.store.tables.access import api_keys, audit, secrets
from tracehound.console.store.tables.anomalies import anomalies
from tracehound.console.store.tables.application_settings import application_settings
from tracehound.console.store.tables.applications import application_progress, applications
from tracehound.console.store.tables.calls import call_records, calls, named_calls
from tracehound.console.store.tables.dead_letters import dead_letters
from tracehound.console.store.tables.deliveries import deliveries
from tracehound.console.store.tables.exemplars import exemplars
from tracehound.console.store.tables.incidents import (
    incident_applications,
    incident_events,
    incidents,
    is_open,
    is_quiet,
)
from tracehound.console.store.tables.metadata import metadata
from tracehound.console.store.tables.model_events import model_events
from tracehound.console.store.tables.offsets import kept, offsets, unreadable
from tracehound.console.store.tables.operations import (
    application_minutes,
    execution_origins,
    operation_numbers,
    operation_times,
    operation_windows,
    operations,
)
from tracehound.console.store.tables.people import maintenance_windows, verdicts
from tracehound.console.store.tables.scored_logs import scored_logs
from tracehound.console.store.tables.tuning import tuning_results, tuning_tasks

__all__ = [
    "anomalies",
    "api_keys",
    "application_minutes",
    "application_progress",
    "application_settings",
    "applications",
    "audit",
    "call_records",
    "calls",
    "dead_letters",
    "deliveries",
    "execution_origins",
    "exemplars",
    "incident_applications",
    "incident_events",
    "incidents",
    "is_open",
    "is_quiet",
    "kept",
    "maintenance_windows",
    "metadata",
    "model_events",
    "named_calls",
    "offsets",
    "operation_numbers",
    "operation_times",
    "operation_windows",
    "operations",
    "scored_logs",
    "secrets",
    "tuning_results",
    "tuning_tasks",
    "unreadable",
    "verdicts",
]
