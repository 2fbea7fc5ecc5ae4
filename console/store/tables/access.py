"""The tables of who may ask: keys, of which only digests are kept, what is signed with, and who changed what."""

from typing import Final

from sqlalchemy import Column, Index, Table

from tracehound.console.store.tables.metadata import Number, metadata, number, seq, text

api_keys: Final = Table(
    "api_keys",
    metadata,
    text("prefix", primary_key=True, comment="the beginning of the key, which may be known"),
    text("sha256", comment="of the whole key"),
    text("name"),
    text("role"),
    text("made_by"),
    number("made_at_us"),
    Column("expires_at_us", Number),
    Column("last_used_us", Number),
)
"""A key that is taken back has no row."""

secrets: Final = Table("secrets", metadata, text("name", primary_key=True), text("secret"))
"""What cookies and cursors are signed with; made at the first start."""

audit: Final = Table(
    "audit",
    metadata,
    seq(),
    number("time_us"),
    text("by", comment="beginning of a key, or what a proxy says"),
    text("role"),
    text("means"),
    text("method"),
    text("path"),
    number("status"),
    text("detail", comment="JSON"),
    Index(None, "time_us", "seq"),
    Index(None, "by", "time_us", "seq"),
)
"""Every request that changed something, and who sent it."""
