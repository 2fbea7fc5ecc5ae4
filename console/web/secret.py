"""What cookies and cursors are signed with: made once, kept in the store, the same for all who share it."""

import secrets as random

from sqlalchemy import insert, select

from tracehound.console.store.engine import Store
from tracehound.console.store.tables import secrets

_NAME = "signing"


def kept_secret(store: Store) -> str:
    """The secret that things are signed with.

    Raises:
        StoreError: the store is away.
    """
    wanted = select(secrets.c.secret).where(secrets.c.name == _NAME)
    with store.write() as connection:
        kept = connection.execute(wanted).scalar()
        if kept is None:
            kept = random.token_urlsafe(32)
            connection.execute(insert(secrets).values(name=_NAME, secret=kept))
    return kept
