"""The jars of the Apache Kafka broker: resolved once by Maven from ``pom.xml``, kept in the user's cache."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from tracehound.schemas.errors import BrokerError

POM = Path(__file__).with_name("pom.xml")
LOWEST_JAVA = 17
_MAVEN_TIMEOUT_S = 900
_JAVA_TIMEOUT_S = 30


def kafka_version() -> str:
    """The version of Apache Kafka that ``pom.xml`` pins."""
    version = ElementTree.parse(POM).findtext("{*}properties/{*}kafka.version")  # noqa: S314 (our own file)
    if not version:
        raise BrokerError(f"{POM} names no kafka.version.")
    return version


def cache_folder() -> Path:
    """Where jars are kept: ``$XDG_CACHE_HOME/tracehound`` or ``~/.cache/tracehound``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tracehound"


def find_java() -> Path:
    """The ``java`` of JAVA_HOME or else of PATH, at least version 17.

    Raises:
        BrokerError: there is none, or it is too old; the message says which was looked at.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin") if home else None)
    if found is None:
        where = f"JAVA_HOME={home}" if home else "PATH"
        raise BrokerError(f"Java {LOWEST_JAVA} or newer is needed; there is no java on {where}.")
    version = _java_version(found)
    if version < LOWEST_JAVA:
        raise BrokerError(f"Java {LOWEST_JAVA} or newer is needed; {found} is version {version}.")
    return Path(found)


def _java_version(java: str) -> int:
    try:
        run = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=_JAVA_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerError(f"{java} -version does not run: {error}") from error
    match = re.search(r'version "(?:1\.)?(\d+)', run.stderr + run.stdout)
    if match is None:
        raise BrokerError(f"{java} -version tells no version: {(run.stderr + run.stdout).strip()[:200]!r}.")
    return int(match[1])


def broker_jars(cache: Path | None = None, maven: str = "mvn") -> Path:
    """The folder with the broker's jars; resolved by Maven the first time, later taken from the cache.

    A folder is in the cache completely or not at all, and concurrent callers wait for the first.

    Raises:
        BrokerError: Maven is missing or fails; the message ends with what it said last.
    """
    cache = cache or cache_folder()
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]  # other dependencies are another folder
    folder = cache / f"kafka-{kafka_version()}-{digest}"
    if not folder.exists():
        with _lock(cache):
            if not folder.exists():
                _resolve(folder, maven)
    return folder / "libs"


@contextmanager
def _lock(cache: Path) -> Iterator[None]:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "kafka.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise BrokerError(f"The jars of Kafka cannot be kept in {cache}: {error}") from error


def _resolve(folder: Path, maven: str) -> None:
    executable = shutil.which(maven)
    if executable is None:
        raise BrokerError(f"Maven is needed to fetch Apache Kafka {kafka_version()}; there is no {maven} on PATH.")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        complete = Path(scratch) / "complete"
        _run_maven(executable, complete / "libs")
        complete.rename(folder)


def _run_maven(executable: str, target: Path) -> None:
    command = [
        executable,
        "-q",
        "-B",
        "-f",
        str(POM),
        "dependency:copy-dependencies",
        f"-DoutputDirectory={target}",
    ]
    try:
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_MAVEN_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerError(f"Maven could not fetch Apache Kafka: {error}") from error
    if run.returncode or not any(target.glob("kafka_*.jar")):
        said = [line for line in run.stdout.splitlines() if line.strip()][:3]
        raise BrokerError(f"Maven could not fetch Apache Kafka {kafka_version()}: {' '.join(said)[:1000]}")
