"""Builds the contender on the JVM with Maven, once; what was built is kept in the user's cache."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tracehound.infra.kafka.jars import cache_folder, find_java
from tracehound.schemas.errors import BrokerError

_HERE: Final = Path(__file__).parent
POM: Final = _HERE / "pom.xml"
SOURCE: Final = _HERE / "RandomCutForestStream.java"
_TIMEOUT_S: Final = 600


def versions() -> dict[str, str]:
    """The versions of Kafka Streams and of the Random Cut Forest that ``pom.xml`` pins."""
    pom = ElementTree.parse(POM)  # noqa: S314 (our own file)
    named = {"kafka_streams": "kafka.version", "randomcutforest": "randomcutforest.version"}
    return {name: pom.findtext(f"{{*}}properties/{{*}}{tag}") or "?" for name, tag in named.items()}


def java_command(bootstrap: str, topic: str, group: str, state_folder: Path) -> list[str]:
    """The command that runs it; builds it where that was not done before.

    Raises:
        BrokerError: Java 17 or Maven is missing, or Maven fails; the message ends with what it said.
    """
    java = find_java()
    folder = _built(shutil.which("mvn"))
    classes = f"{folder / 'classes'}:{folder / 'libs'}/*"
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return [str(java), quiet, "-cp", classes, SOURCE.stem, bootstrap, topic, group, str(state_folder)]


def why_not() -> str | None:
    """Why it cannot run here, or None if it can. Builds it."""
    try:
        java_command("", "", "", Path())
    except BrokerError as error:
        return str(error)
    return None


def _built(maven: str | None) -> Path:
    digest = hashlib.sha256(POM.read_bytes() + SOURCE.read_bytes()).hexdigest()[:12]
    folder = cache_folder() / f"jvm-rcf-{digest}"
    if not folder.exists():
        if maven is None:
            raise BrokerError("Maven is needed to build the contender on the JVM; there is no mvn on PATH.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            complete = Path(scratch) / "complete"
            _build(maven, complete)
            if not folder.exists():
                complete.rename(folder)
    return folder


def _build(maven: str, folder: Path) -> None:
    goals = ["compile", "dependency:copy-dependencies", f"-DoutputDirectory={folder / 'libs'}", f"-Dbuilt={folder}"]
    try:
        run = subprocess.run(
            [maven, "-q", "-B", "-f", str(POM), *goals],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerError(f"Maven could not build the contender on the JVM: {error}") from error
    if run.returncode or not (folder / "classes" / f"{SOURCE.stem}.class").exists():
        said = [line for line in run.stdout.splitlines() if line.strip()][:5]
        raise BrokerError(f"Maven could not build the contender on the JVM: {' '.join(said)[:1000]}")
