"""What people say, and what was cut."""

import sqlalchemy as sa
from alembic import op

revision = "0004_what_people_say"
down_revision = "0003_keys_and_audit"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "maintenance_windows",
        sa.Column("window_id", sa.Text(), nullable=False),
        sa.Column("starts_at_us", Number, nullable=False),
        sa.Column("ends_at_us", Number, nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("learn", sa.Boolean(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("window_id", name=op.f("pk_maintenance_windows")),
    )
    op.create_index(
        op.f("ix_maintenance_windows_starts_at_us_window_id"),
        "maintenance_windows",
        ["starts_at_us", "window_id"],
        unique=False,
    )
    op.create_index(op.f("ix_maintenance_windows_told_us"), "maintenance_windows", ["told_us"], unique=False)
    op.create_table(
        "verdicts",
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("judgement", sa.Text(), nullable=False),
        sa.Column("judged_at_us", Number, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_verdicts")),
    )
    op.create_index(
        op.f("ix_verdicts_judged_at_us_subject_id"), "verdicts", ["judged_at_us", "subject_id"], unique=False
    )
    op.create_index(op.f("ix_verdicts_told_us"), "verdicts", ["told_us"], unique=False)
    op.add_column("dead_letters", sa.Column("cut_from", Number, nullable=True))
