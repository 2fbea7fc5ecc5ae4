"""``python -m tracehound.console.store.migrations "what it is for"``: writes the next revision."""

import re
import sys
import tempfile
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import UpgradeOps

from tracehound.console.store.engine import Store
from tracehound.console.store.migrations.migrate import VERSION_TABLE, script
from tracehound.console.store.tables import metadata

_NUMBER = "sa.BigInteger().with_variant(sa.Integer(), 'sqlite')"
_LONGEST = 32
"""Alembic's column holds no more."""
_REVISION = '''\
"""{words}."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before!r}

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    {code}
'''


def write(words: str) -> Path:
    """Write the revision from the tables of the code to those of the revisions; returns its file."""
    revisions = script()
    heads = revisions.get_heads()
    before = (heads[0] if len(heads) == 1 else tuple(heads)) if heads else None
    number = 1 + len(list(revisions.walk_revisions()))
    revision = (f"{number:04}_" + re.sub(r"\W+", "_", words.lower()).strip("_"))[:_LONGEST].strip("_")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/empty.db")
        store.migrate()
        with store.read() as connection:
            options = {"version_table": VERSION_TABLE, "include_object": is_compared}
            context = MigrationContext.configure(connection, opts=options)
            difference = produce_migrations(context, metadata)
        store.close()
    assert isinstance(difference.upgrade_ops, UpgradeOps)
    lines = render_python_code(difference.upgrade_ops).splitlines()
    code = "\n".join(line for line in lines if not line.strip().startswith("# ###")).replace(_NUMBER, "Number")
    file = Path(__file__).parent / "versions" / f"{revision}.py"
    sentence = words[:1].upper() + words[1:]
    file.write_text(_REVISION.format(words=sentence, revision=revision, before=before, code=code.strip()))
    return file


def is_compared(_thing: object, name: str | None, *_more: object) -> bool:
    """Whether a table or index is the same on both engines, and so described by the tables; that of words is not."""
    return not (name or "").startswith(("log_words", "ix_scored_logs_words"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit('usage: python -m tracehound.console.store.migrations "what it is for"')
    print(write(sys.argv[1]))
