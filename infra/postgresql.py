"""A real PostgreSQL for tests and benchmarks: Debian's programs in a temporary folder, or a container."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tracehound.infra.kafka.ports import free_ports

_USER = "tracehound"
_START_S = 120.0


class NoPostgreSQLError(Exception):
    """There is none to be had; the message says why."""


@contextmanager
def postgresql() -> Iterator[str]:
    """A server on loopback; gives the URL of its database ``postgres``, without the name of the database at its end.

    Raises:
        NoPostgreSQLError: neither are the programs there, nor does Docker answer.
    """
    if programs := _programs():
        with tempfile.TemporaryDirectory(prefix="tracehound-postgresql-", ignore_cleanup_errors=True) as folder:
            yield from _server(programs, Path(folder))
    else:
        yield from _container()


def _programs() -> Path | None:
    """The newest folder with ``initdb`` and ``postgres``: Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    path = found[-1] if found else shutil.which("initdb")
    return Path(path).resolve().parent if path else None


def _server(programs: Path, folder: Path) -> Iterator[str]:
    data, port = folder / "data", free_ports(1)[0]
    as_user = _unprivileged(folder)
    made = subprocess.run(
        [programs / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        capture_output=True,
        text=True,
        **as_user,
    )
    if made.returncode:
        raise NoPostgreSQLError(f"initdb failed: {made.stderr.strip()}")
    options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([programs / "postgres", "-D", data, *arguments], stdout=log, stderr=log, **as_user)
    try:
        address = f"{_USER}@127.0.0.1:{port}/"
        _wait(server, f"postgresql://{address}postgres", folder / "log")
        yield f"postgresql+psycopg://{address}"
    finally:
        server.terminate()  # whoever is connected still has left with its test
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to start the server, which refuses to run as root: as the user that Debian's package makes, or as nobody."""
    if os.getuid() != 0:
        return {}
    names = {user.pw_name for user in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": (), "cwd": folder}


def _wait(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(address, connect_timeout=5).close()
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise NoPostgreSQLError(f"postgres did not start: {error}; {log.read_text()[-500:]}") from error
        time.sleep(0.05)


def _container() -> Iterator[str]:
    from docker.errors import DockerException  # type: ignore[import-untyped]
    from testcontainers.postgres import PostgresContainer

    try:
        container = PostgresContainer("postgres:17-alpine", _USER, _USER, "postgres", driver="psycopg").start()
    except DockerException as error:
        raise NoPostgreSQLError(
            "initdb is neither below /usr/lib/postgresql nor on the PATH (.ci/packages installs it), "
            f"and no Docker answers: {error}"
        ) from error
    try:
        yield container.get_connection_url().removesuffix("postgres")
    finally:
        container.stop()
