"""Tunings."""

import sqlalchemy as sa
from alembic import op

revision = "0009_tunings"
down_revision = "0008_kinds_of_incidents"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "tuning_results",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tuning", sa.Text(), nullable=False),
        sa.Column("number", Number, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cpu_s", sa.Double(), nullable=False),
        sa.Column("time_us", Number, nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_tuning_results")),
        sa.UniqueConstraint("id", name=op.f("uq_tuning_results_id")),
    )
    op.create_index(op.f("ix_tuning_results_tuning_number"), "tuning_results", ["tuning", "number"], unique=False)
    op.create_table(
        "tuning_tasks",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tuning", sa.Text(), nullable=False),
        sa.Column("number", Number, nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("time_us", Number, nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_tuning_tasks")),
        sa.UniqueConstraint("id", name=op.f("uq_tuning_tasks_id")),
    )
    op.create_index(
        op.f("ix_tuning_tasks_number_time_us_seq"), "tuning_tasks", ["number", "time_us", "seq"], unique=False
    )
    op.create_index(op.f("ix_tuning_tasks_tuning_number"), "tuning_tasks", ["tuning", "number"], unique=False)
