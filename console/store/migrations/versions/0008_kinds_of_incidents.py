"""Kinds of incidents."""

import sqlalchemy as sa
from alembic import op

revision = "0008_kinds_of_incidents"
down_revision = "0007_grave_anomalies_of_an_appli"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.add_column("incidents", sa.Column("kinds", sa.Text(), server_default="", nullable=False))
