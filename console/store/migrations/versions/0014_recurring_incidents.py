"""Incidents that are as on other days, and no worse."""

import sqlalchemy as sa
from alembic import op

revision = "0014_recurring_incidents"
down_revision = "0013_anomalies_of_operations"


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.add_column("incidents", sa.Column("recurring", sa.Boolean(), server_default=sa.false(), nullable=False))
