"""What is kept of executions."""

import sqlalchemy as sa
from alembic import op

revision = "0002_what_is_kept_of_executions"
down_revision = "0001_what_was_told"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "execution_origins",
        sa.Column("partition", Number, autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_partition", Number, autoincrement=False, nullable=False),
        sa.Column("number", Number, nullable=False),
        sa.PrimaryKeyConstraint("partition", "source", "source_partition", name=op.f("pk_execution_origins")),
    )
    op.create_table(
        "exemplars",
        sa.Column("anomaly_id", sa.Text(), nullable=False),
        sa.Column("time_us", Number, nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.Column("execution", sa.Text(), nullable=False),
        sa.Column("usual", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("anomaly_id", name=op.f("pk_exemplars")),
    )
    op.create_index(op.f("ix_exemplars_application_time_us"), "exemplars", ["application", "time_us"], unique=False)
    op.create_index(op.f("ix_exemplars_time_us"), "exemplars", ["time_us"], unique=False)
    op.create_index(op.f("ix_exemplars_trace_id"), "exemplars", ["trace_id"], unique=False)
    op.create_table(
        "operation_numbers",
        sa.Column("operation_seq", Number, autoincrement=False, nullable=False),
        sa.Column("width_s", Number, autoincrement=False, nullable=False),
        sa.Column("start_us", Number, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("count", Number, nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("operation_seq", "width_s", "start_us", "name", name=op.f("pk_operation_numbers")),
    )
    op.create_table(
        "operation_times",
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("partition", Number, nullable=False),
        sa.Column("now_us", Number, nullable=False),
        sa.Column("heard_us", Number, nullable=False),
        sa.Column("late", Number, nullable=False),
        sa.PrimaryKeyConstraint("application", "environment", name=op.f("pk_operation_times")),
    )
    op.create_table(
        "operation_windows",
        sa.Column("operation_seq", Number, autoincrement=False, nullable=False),
        sa.Column("width_s", Number, autoincrement=False, nullable=False),
        sa.Column("start_us", Number, autoincrement=False, nullable=False),
        sa.Column("count", Number, nullable=False),
        sa.Column("errors", Number, nullable=False),
        sa.Column("results", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("operation_seq", "width_s", "start_us", name=op.f("pk_operation_windows")),
    )
    op.create_index(
        op.f("ix_operation_windows_width_s_start_us"), "operation_windows", ["width_s", "start_us"], unique=False
    )
    op.create_table(
        "operations",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_operations")),
        sa.UniqueConstraint("digest", name=op.f("uq_operations_digest")),
    )
    op.create_index(
        op.f("ix_operations_application_environment"), "operations", ["application", "environment"], unique=False
    )
