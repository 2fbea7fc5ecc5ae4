import threading
from pathlib import Path

import pytest

from tracehound.infra.kafka.jars import broker_jars, cache_folder, find_java, kafka_version
from tracehound.schemas.errors import BrokerError

MAVEN_THAT_WORKS = """
for argument in "$@"; do case "$argument" in -DoutputDirectory=*) folder="${argument#*=}";; esac; done
echo run >> "$0.runs"
mkdir -p "$folder" && touch "$folder/kafka_2.13-test.jar"
"""
MAVEN_THAT_IS_SLOW = "sleep 0.5\n" + MAVEN_THAT_WORKS
MAVEN_THAT_FAILS_HALFWAY = MAVEN_THAT_WORKS + 'echo "[ERROR] no route to the repository"; exit 1'
MAVEN_WITHOUT_RESULT = "exit 0"


def script(path: Path, body: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def runs(maven: str) -> int:
    return len(Path(f"{maven}.runs").read_text().splitlines())


def test_maven_is_asked_once(tmp_path: Path) -> None:
    maven = script(tmp_path / "mvn", MAVEN_THAT_WORKS)
    cache = tmp_path / "a cache with spaces"
    first = broker_jars(cache, maven)
    assert (first / "kafka_2.13-test.jar").exists()
    assert first.parent.name.startswith(f"kafka-{kafka_version()}-")
    assert broker_jars(cache, maven) == first
    assert runs(maven) == 1


def test_concurrent_callers_share_one_result(tmp_path: Path) -> None:
    maven = script(tmp_path / "mvn", MAVEN_THAT_IS_SLOW)
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(broker_jars(tmp_path / "cache", maven))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert runs(maven) == 1


def test_a_failure_is_said_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(BrokerError, match="no route to the repository"):
        broker_jars(cache, script(tmp_path / "mvn", MAVEN_THAT_FAILS_HALFWAY))
    assert [path.name for path in cache.iterdir()] == ["kafka.lock"]
    assert broker_jars(cache, script(tmp_path / "mvn", MAVEN_THAT_WORKS)).exists()


def test_success_without_jars_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="could not fetch"):
        broker_jars(tmp_path / "cache", script(tmp_path / "mvn", MAVEN_WITHOUT_RESULT))


def test_a_missing_maven_is_said(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="Maven is needed"):
        broker_jars(tmp_path / "cache", str(tmp_path / "nothing-here"))


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BrokerError, match="cannot be kept in"):
        broker_jars(tmp_path / "file" / "cache", script(tmp_path / "mvn", MAVEN_THAT_WORKS))


def test_the_cache_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "tracehound"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "tracehound"


@pytest.mark.parametrize(
    ("says", "problem"),
    [
        ('openjdk version "17.0.15" 2025-04-15', None),
        ('openjdk version "25" 2025-09-16', None),
        ('openjdk version "11.0.2"', "is version 11"),
        ('java version "1.8.0_402"', "is version 8"),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", "tells no version"),
    ],
)
def test_java_must_be_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, problem: str | None
) -> None:
    java = script(tmp_path / "bin" / "java", f"cat >&2 <<'end'\n{says}\nend")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if problem is None:
        assert find_java() == Path(java)
    else:
        with pytest.raises(BrokerError, match=problem):
            find_java()


def test_a_missing_java_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(BrokerError, match=f"there is no java on JAVA_HOME={tmp_path}"):
        find_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerError, match="there is no java on PATH"):
        find_java()
