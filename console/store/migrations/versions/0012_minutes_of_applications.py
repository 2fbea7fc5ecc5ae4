"""Minutes of applications."""

import sqlalchemy as sa
from alembic import op

revision = "0012_minutes_of_applications"
down_revision = "0011_named_calls"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "application_minutes",
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("minute_us", Number, nullable=False),
        sa.Column("count", Number, nullable=False),
        sa.Column("total_ms", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("application", "environment", "minute_us", name=op.f("pk_application_minutes")),
    )
