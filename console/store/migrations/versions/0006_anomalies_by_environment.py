"""Anomalies by environment."""

import sqlalchemy as sa
from alembic import op

revision = "0006_anomalies_by_environment"
down_revision = "0005_messages_to_receivers"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_index(
        op.f("ix_anomalies_environment_time_us_seq"), "anomalies", ["environment", "time_us", "seq"], unique=False
    )
