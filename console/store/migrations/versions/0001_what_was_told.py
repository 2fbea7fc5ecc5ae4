"""What was told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0001_what_was_told"
down_revision = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(ARRAY(sa.Text()), "postgresql")

_WORDS_ON_SQLITE = (
    "CREATE VIRTUAL TABLE log_words USING fts5"
    " (words, content = 'scored_logs', content_rowid = 'seq', tokenize = \"ascii tokenchars '_'\")",
    "CREATE TRIGGER log_words_added AFTER INSERT ON scored_logs BEGIN"
    " INSERT INTO log_words (rowid, words) VALUES (new.seq, new.words); END",
    "CREATE TRIGGER log_words_removed AFTER DELETE ON scored_logs BEGIN"
    " INSERT INTO log_words (log_words, rowid, words) VALUES ('delete', old.seq, old.words); END",
)


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "anomalies",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("time_us", Number, nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("severity_rank", Number, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("incident_key", sa.Text(), nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_anomalies")),
        sa.UniqueConstraint("id", name=op.f("uq_anomalies_id")),
    )
    op.create_index(
        op.f("ix_anomalies_application_time_us_seq"), "anomalies", ["application", "time_us", "seq"], unique=False
    )
    op.create_index(
        op.f("ix_anomalies_incident_key_time_us_seq"), "anomalies", ["incident_key", "time_us", "seq"], unique=False
    )
    op.create_index(op.f("ix_anomalies_kind_time_us_seq"), "anomalies", ["kind", "time_us", "seq"], unique=False)
    op.create_index(
        op.f("ix_anomalies_severity_rank_time_us_seq"), "anomalies", ["severity_rank", "time_us", "seq"], unique=False
    )
    op.create_index(op.f("ix_anomalies_time_us_seq"), "anomalies", ["time_us", "seq"], unique=False)
    op.create_table(
        "application_progress",
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("minute_us", Number, nullable=False),
        sa.Column("executions", Number, nullable=False),
        sa.Column("errors", Number, nullable=False),
        sa.Column("anomalies", Number, nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.PrimaryKeyConstraint("application", "environment", "minute_us", name=op.f("pk_application_progress")),
    )
    op.create_index(op.f("ix_application_progress_minute_us"), "application_progress", ["minute_us"], unique=False)
    op.create_index(op.f("ix_application_progress_told_us"), "application_progress", ["told_us"], unique=False)
    op.create_table(
        "applications",
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("scored_through_us", Number, nullable=False),
        sa.Column("first_seen_us", Number, nullable=False),
        sa.Column("executions", Number, nullable=False),
        sa.Column("errors", Number, nullable=False),
        sa.Column("anomalies", Number, nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("application", "environment", name=op.f("pk_applications")),
    )
    op.create_index(op.f("ix_applications_scored_through_us"), "applications", ["scored_through_us"], unique=False)
    op.create_index(op.f("ix_applications_told_us"), "applications", ["told_us"], unique=False)
    op.create_table(
        "call_records",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.PrimaryKeyConstraint("id", "application", "environment", name=op.f("pk_call_records")),
    )
    op.create_index(op.f("ix_call_records_told_us"), "call_records", ["told_us"], unique=False)
    op.create_table(
        "calls",
        sa.Column("edge", sa.Text(), nullable=False),
        sa.Column("window_us", Number, nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("peer_operation", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("count", Number, nullable=False),
        sa.Column("errors", Number, nullable=False),
        sa.Column("caller_ms", sa.Double(), nullable=False),
        sa.Column("timed", Number, nullable=False),
        sa.Column("timed_caller_ms", sa.Double(), nullable=False),
        sa.Column("callee_ms", sa.Double(), nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.PrimaryKeyConstraint("edge", "window_us", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_application_window_us"), "calls", ["application", "window_us"], unique=False)
    op.create_index(op.f("ix_calls_peer_window_us"), "calls", ["peer", "window_us"], unique=False)
    op.create_index(op.f("ix_calls_told_us"), "calls", ["told_us"], unique=False)
    op.create_index(op.f("ix_calls_window_us"), "calls", ["window_us"], unique=False)
    op.create_table(
        "dead_letters",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("time_us", Number, nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("source_topic", sa.Text(), nullable=False),
        sa.Column("source_partition", Number, nullable=False),
        sa.Column("source_offset", Number, nullable=False),
        sa.Column("source_time_us", Number, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("position_partition", Number, nullable=False),
        sa.Column("position_offset", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_dead_letters")),
        sa.UniqueConstraint("id", name=op.f("uq_dead_letters_id")),
    )
    op.create_index(
        op.f("ix_dead_letters_source_topic_time_us_seq"),
        "dead_letters",
        ["source_topic", "time_us", "seq"],
        unique=False,
    )
    op.create_index(
        op.f("ix_dead_letters_stage_time_us_seq"), "dead_letters", ["stage", "time_us", "seq"], unique=False
    )
    op.create_index(op.f("ix_dead_letters_time_us_seq"), "dead_letters", ["time_us", "seq"], unique=False)
    op.create_table(
        "incident_events",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("revision", Number, nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("time_us", Number, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_incident_events")),
        sa.UniqueConstraint("id", name=op.f("uq_incident_events_id")),
    )
    op.create_index(
        op.f("ix_incident_events_incident_id_revision"), "incident_events", ["incident_id", "revision"], unique=False
    )
    op.create_index(op.f("ix_incident_events_time_us_seq"), "incident_events", ["time_us", "seq"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("revision", Number, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("severity_rank", Number, nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("opened_at_us", Number, nullable=False),
        sa.Column("updated_at_us", Number, nullable=False),
        sa.Column("resolved_at_us", Number, nullable=True),
        sa.Column("cause_application", sa.Text(), nullable=True),
        sa.Column("cause_operation", sa.Text(), nullable=True),
        sa.Column("anomaly_count", Number, nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_incidents")),
    )
    op.create_index(
        op.f("ix_incidents_opened_at_us_incident_id"), "incidents", ["opened_at_us", "incident_id"], unique=False
    )
    op.create_index(
        op.f("ix_incidents_severity_rank_opened_at_us_incident_id"),
        "incidents",
        ["severity_rank", "opened_at_us", "incident_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_incidents_state_opened_at_us_incident_id"),
        "incidents",
        ["state", "opened_at_us", "incident_id"],
        unique=False,
    )
    op.create_index(op.f("ix_incidents_told_us"), "incidents", ["told_us"], unique=False)
    op.create_index(
        op.f("ix_incidents_updated_at_us_incident_id"), "incidents", ["updated_at_us", "incident_id"], unique=False
    )
    op.create_table(
        "kept",
        sa.Column("table", sa.Text(), nullable=False),
        sa.Column("rows", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.PrimaryKeyConstraint("table", name=op.f("pk_kept")),
    )
    op.create_table(
        "model_events",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("time_us", Number, nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("learned", Number, nullable=False),
        sa.Column("needed", Number, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("cpu_s", sa.Double(), nullable=True),
        sa.Column("wall_s", sa.Double(), nullable=True),
        sa.Column("samples", Number, nullable=True),
        sa.Column("model_bytes", Number, nullable=True),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_model_events")),
        sa.UniqueConstraint("id", name=op.f("uq_model_events_id")),
    )
    op.create_index(
        op.f("ix_model_events_application_environment_change_time_us"),
        "model_events",
        ["application", "environment", "change", "time_us"],
        unique=False,
    )
    op.create_index(
        op.f("ix_model_events_application_time_us_seq"), "model_events", ["application", "time_us", "seq"], unique=False
    )
    op.create_index(
        op.f("ix_model_events_change_time_us_seq"), "model_events", ["change", "time_us", "seq"], unique=False
    )
    op.create_index(op.f("ix_model_events_time_us_seq"), "model_events", ["time_us", "seq"], unique=False)
    op.create_table(
        "offsets",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", Number, nullable=False),
        sa.Column("topic_id", sa.Text(), nullable=False),
        sa.Column("next_offset", Number, nullable=False),
        sa.Column("time_us", Number, nullable=True),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("pk_offsets")),
    )
    op.create_table(
        "scored_logs",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("time_us", Number, nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("level_rank", Number, nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("severity_rank", Number, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("anomaly_id", sa.Text(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("words", Words, nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_scored_logs")),
        sa.UniqueConstraint("id", name=op.f("uq_scored_logs_id")),
    )
    op.create_index(
        op.f("ix_scored_logs_application_template_id_time_us_seq"),
        "scored_logs",
        ["application", "template_id", "time_us", "seq"],
        unique=False,
    )
    op.create_index(
        op.f("ix_scored_logs_application_time_us_seq"), "scored_logs", ["application", "time_us", "seq"], unique=False
    )
    op.create_index(
        op.f("ix_scored_logs_level_rank_time_us_seq"), "scored_logs", ["level_rank", "time_us", "seq"], unique=False
    )
    op.create_index(
        op.f("ix_scored_logs_severity_rank_time_us_seq"),
        "scored_logs",
        ["severity_rank", "time_us", "seq"],
        unique=False,
    )
    op.create_index(op.f("ix_scored_logs_time_us_seq"), "scored_logs", ["time_us", "seq"], unique=False)
    op.create_index(op.f("ix_scored_logs_trace_id"), "scored_logs", ["trace_id"], unique=False)
    op.create_table(
        "unreadable",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", Number, nullable=False),
        sa.Column("offset", Number, nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("bytes", Number, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_unreadable")),
        sa.UniqueConstraint("id", name=op.f("uq_unreadable_id")),
    )
    op.create_index(op.f("ix_unreadable_told_us_seq"), "unreadable", ["told_us", "seq"], unique=False)
    op.create_table(
        "incident_applications",
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.incident_id"],
            name=op.f("fk_incident_applications_incident_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("application", "incident_id", name=op.f("pk_incident_applications")),
    )
    op.create_index(
        op.f("ix_incident_applications_incident_id"), "incident_applications", ["incident_id"], unique=False
    )
    if op.get_context().dialect.name == "postgresql":
        op.create_index("ix_scored_logs_words", "scored_logs", ["words"], postgresql_using="gin")
    else:
        for statement in _WORDS_ON_SQLITE:
            op.execute(statement)
