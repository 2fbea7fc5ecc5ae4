"""Anomalies of one operation, and of a kind within an environment."""

from alembic import op

revision = "0013_anomalies_of_operations"
down_revision = "0012_minutes_of_applications"


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    for first, second in (("application", "operation"), ("environment", "kind")):
        op.create_index(
            op.f(f"ix_anomalies_{first}_{second}_time_us_seq"),
            "anomalies",
            [first, second, "time_us", "seq"],
            unique=False,
        )
