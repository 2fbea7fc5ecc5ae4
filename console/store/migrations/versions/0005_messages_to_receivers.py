"""Messages to receivers."""

import sqlalchemy as sa
from alembic import op

revision = "0005_messages_to_receivers"
down_revision = "0004_what_people_say"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "deliveries",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("time_us", Number, nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("delay_s", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("told_us", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("id", name=op.f("uq_deliveries_id")),
    )
    op.create_index(
        op.f("ix_deliveries_incident_id_time_us_seq"), "deliveries", ["incident_id", "time_us", "seq"], unique=False
    )
    op.create_index(
        op.f("ix_deliveries_receiver_time_us_seq"), "deliveries", ["receiver", "time_us", "seq"], unique=False
    )
    op.create_index(op.f("ix_deliveries_time_us_seq"), "deliveries", ["time_us", "seq"], unique=False)
