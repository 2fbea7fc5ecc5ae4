"""Keys and audit."""

import sqlalchemy as sa
from alembic import op

revision = "0003_keys_and_audit"
down_revision = "0002_what_is_kept_of_executions"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "api_keys",
        sa.Column("prefix", sa.Text(), nullable=False, comment="the beginning of the key, which may be known"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of the whole key"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at_us", Number, nullable=False),
        sa.Column("expires_at_us", Number, nullable=True),
        sa.Column("last_used_us", Number, nullable=True),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "audit",
        sa.Column("seq", Number, autoincrement=True, nullable=False),
        sa.Column("time_us", Number, nullable=False),
        sa.Column("by", sa.Text(), nullable=False, comment="beginning of a key, or what a proxy says"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("status", Number, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, comment="JSON"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_by_time_us_seq"), "audit", ["by", "time_us", "seq"], unique=False)
    op.create_index(op.f("ix_audit_time_us_seq"), "audit", ["time_us", "seq"], unique=False)
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
