"""What tests of the console share: ``store`` is an empty, migrated database, on SQLite and on a real PostgreSQL."""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from sqlalchemy.pool import QueuePool

from tests.conftest import give_up
from tests.console.asking import Asking, asking
from tracehound.console.store.engine import Store
from tracehound.infra.postgresql import NoPostgreSQLError, postgresql


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A real PostgreSQL for the whole session; the URL to which a database's name is added."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgresql())
        except NoPostgreSQLError as error:
            give_up("a real PostgreSQL", error)
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Runs the test on both engines."""
    found: str = request.param
    return found


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path, engine_name: str) -> Iterator[str]:
    """The URL of a database in which there is nothing at all; runs the test on both engines."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path}/tracehound.db"
    else:
        with _database(request.getfixturevalue("postgresql_server")) as url:
            yield url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables, to be copied: that takes less than making them."""
    file = tmp_path_factory.mktemp("migrated") / "tracehound.db"
    made = Store(f"sqlite:///{file}")
    made.migrate()
    made.close()
    return file


@pytest.fixture(scope="session")
def migrated_database(postgresql_server: str) -> str:
    """The name of a database with all tables, a template for others."""
    with _administrator(postgresql_server) as connection:
        connection.execute("CREATE DATABASE migrated")
    made = Store(postgresql_server + "migrated")
    made.migrate()
    made.close()
    return "migrated"


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path, engine_name: str) -> Iterator[str]:
    """The URL of a database with all tables and nothing in them; runs the test on both engines."""
    if engine_name == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated_file"), tmp_path / "store.db")
        yield f"sqlite:///{tmp_path}/store.db"
    else:
        template = request.getfixturevalue("migrated_database")
        with _database(request.getfixturevalue("postgresql_server"), f"TEMPLATE {template}") as url:
            yield url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store with all tables and nothing in them; runs the test on both engines."""
    made = Store(store_url)
    yield made
    try:
        _wait_until_given_back(made)
    finally:
        made.close()


def _wait_until_given_back(store: Store) -> None:
    """A connection that a thread keeps would be missed in another test, when it is collected as garbage."""
    pool, deadline = store.engine.pool, time.monotonic() + 120.0
    assert isinstance(pool, QueuePool)
    while pool.checkedout():
        assert time.monotonic() < deadline, f"a connection was never given back: {pool.status()}"
        time.sleep(0.01)


@pytest.fixture
def received() -> Iterator[tuple[str, list[Any]]]:
    """The address of a server, and what is posted to it."""
    found: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/a-token", found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Waits until a condition holds; False if it does not within a time that only a defect exceeds."""

    def wait(condition: Callable[[], bool], within_s: float = 120.0) -> bool:
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    return wait


@contextmanager
def _database(server: str, options: str = "") -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with _administrator(server) as connection:
        connection.execute(f"CREATE DATABASE {name} {options}")
        yield server + name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _administrator(server: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(server.replace("+psycopg", "") + "postgres", autocommit=True)


@pytest.fixture
def console(store: Store) -> Iterator[Asking]:
    """A console on an empty store."""
    with asking(store) as asked:
        yield asked
