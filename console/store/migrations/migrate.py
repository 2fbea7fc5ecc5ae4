"""Runs the revisions that a database lacks."""

from pathlib import Path
from typing import Any, Final

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from tracehound.schemas.errors import ConfigurationError

VERSION_TABLE: Final = "tracehound_versions"
_LOCK: Final = 7_483_920_117
"""Whoever migrates a PostgreSQL holds this advisory lock; on SQLite the transaction itself is one."""


def script() -> ScriptDirectory:
    """The revisions of this folder."""
    folder = Path(__file__).parent
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def migrate(connection: Connection, to: str = "heads") -> None:
    """Bring a database to this version, or to an earlier revision, within the connection's transaction.

    Raises:
        ConfigurationError: it holds a revision that this version does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    revisions = script()

    def upgrade(have: Any, _context: MigrationContext) -> Any:
        return revisions._upgrade_revs(to, have)

    context = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE, "fn": upgrade, "transactional_ddl": True}
    )
    try:
        with Operations.context(context):
            context.run_migrations()
    except CommandError as error:
        raise ConfigurationError(
            f"The database was made by a later version of tracehound, which this one does not know: {error}."
        ) from error
