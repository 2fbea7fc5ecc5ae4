"""Keys in the store, of which only digests are there."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from tracehound.console.store.tables import api_keys
from tracehound.console.web.entry import KnownKey
from tracehound.console.web.roles import Role
from tracehound.streams.http.keys import NewKey


def add_key(
    connection: Connection, key: NewKey, role: Role, name: str, by: str, now_us: int, expires_at_us: int | None
) -> None:
    """Keep the digest of a key that was just made."""
    connection.execute(
        insert(api_keys).values(
            prefix=key.prefix,
            sha256=key.sha256,
            role=role,
            name=name,
            made_by=by,
            made_at_us=now_us,
            expires_at_us=expires_at_us,
        )
    )


def find_key(connection: Connection, prefix: str) -> KnownKey | None:
    """The key that begins so."""
    columns = api_keys.c
    wanted = select(columns.prefix, columns.sha256, columns.role, columns.expires_at_us).where(columns.prefix == prefix)
    row = connection.execute(wanted).first()
    return None if row is None else KnownKey(*row)


def all_keys(connection: Connection) -> Sequence[Row[Any]]:
    """All keys, the newest first."""
    return connection.execute(select(api_keys).order_by(api_keys.c.made_at_us.desc(), api_keys.c.prefix)).all()


def drop_key(connection: Connection, prefix: str) -> bool:
    """Take a key back; whether there was one."""
    return connection.execute(delete(api_keys).where(api_keys.c.prefix == prefix)).rowcount > 0


def other_admins(connection: Connection, prefix: str, now_us: int) -> int:
    """How many keys of admins there are that are good, beside this one."""
    columns = api_keys.c
    good = (columns.expires_at_us.is_(None)) | (columns.expires_at_us > now_us)
    wanted = select(func.count()).where(columns.role == "admin", columns.prefix != prefix, good)
    return connection.execute(wanted).scalar_one()


def note_use(connection: Connection, prefix: str, now_us: int) -> None:
    """A key is used."""
    connection.execute(update(api_keys).where(api_keys.c.prefix == prefix).values(last_used_us=now_us))


def has_keys(connection: Connection) -> bool:
    """Whether there is any key."""
    return connection.execute(select(api_keys.c.prefix).limit(1)).first() is not None
