"""Named calls."""

import sqlalchemy as sa
from alembic import op

revision = "0011_named_calls"
down_revision = "0010_settings_of_applications"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "named_calls",
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("window_us", Number, nullable=False),
        sa.Column("count", Number, nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.PrimaryKeyConstraint("application", "environment", "peer", "window_us", name=op.f("pk_named_calls")),
    )
    op.create_index(
        op.f("ix_named_calls_environment_window_us"), "named_calls", ["environment", "window_us"], unique=False
    )
    op.create_index(op.f("ix_named_calls_told_us"), "named_calls", ["told_us"], unique=False)
