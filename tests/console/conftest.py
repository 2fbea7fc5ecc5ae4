"""What tests of the console share: ``store`` is an empty, migrated database, on SQLite and on a real PostgreSQL."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.conftest import give_up
from tests.console.postgresql import NoPostgreSQLError, postgresql
from tracehound.console.store.engine import Store


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A real PostgreSQL for the whole session; the URL to which a database's name is added."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgresql())
        except NoPostgreSQLError as error:
            give_up("a real PostgreSQL", error)
        yield url


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The URL of an empty database on a real PostgreSQL."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql_server.replace("+psycopg", "") + "postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgresql_server + name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; runs the test on both engines."""
    if request.param == "postgresql":
        found: str = request.getfixturevalue("postgresql_url")
        return found
    return f"sqlite:///{tmp_path}/tracehound.db"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store with all tables; runs the test on both engines."""
    made = Store(database_url)
    made.migrate()
    yield made
    made.close()
