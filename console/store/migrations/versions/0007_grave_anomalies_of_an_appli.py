"""Grave anomalies of an application."""

from alembic import op

revision = "0007_grave_anomalies_of_an_appli"
down_revision = "0006_anomalies_by_environment"


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_index(
        op.f("ix_anomalies_application_severity_rank_time_us_seq"),
        "anomalies",
        ["application", "severity_rank", "time_us", "seq"],
        unique=False,
    )
