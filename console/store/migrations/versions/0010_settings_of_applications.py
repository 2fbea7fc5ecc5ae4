"""Settings of applications."""

import sqlalchemy as sa
from alembic import op

revision = "0010_settings_of_applications"
down_revision = "0009_tunings"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "application_settings",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("version", Number, nullable=False),
        sa.Column("time_us", Number, nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_application_settings")),
        sa.UniqueConstraint("id", name=op.f("uq_application_settings_id")),
    )
    op.create_index(
        op.f("ix_application_settings_application_environment_seq"),
        "application_settings",
        ["application", "environment", "seq"],
        unique=False,
    )
    op.create_index(
        op.f("ix_application_settings_time_us_seq"), "application_settings", ["time_us", "seq"], unique=False
    )
