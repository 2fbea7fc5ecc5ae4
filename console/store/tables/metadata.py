"""The one ``MetaData`` of all tables, and the columns that many of them have."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)
"""All tables; constraints have names, so that migrations can change them."""

Number: Final = BigInteger().with_variant(Integer, "sqlite")
"""Whole numbers of 64 bits; SQLite counts its rows by plain INTEGER alone."""


def seq() -> Column[int]:
    """The place of a row in the order of storing."""
    return Column("seq", Number, primary_key=True, autoincrement=True)


def text(name: str, **more: Any) -> Column[str]:
    """A text that is always there, be it empty."""
    return Column(name, Text, nullable=False, **more)


def number(name: str, **more: Any) -> Column[int]:
    """A whole number that is always there."""
    return Column(name, Number, nullable=False, **more)
