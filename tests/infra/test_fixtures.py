import os
import subprocess
import sys
from pathlib import Path

from tests.checkout import PROJECT

NEEDS_A_REAL_BROKER = "tests/infra/kafka/test_broker.py::test_the_real_one_is_real"


def run_where_nothing_is_installed(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a test that needs a real broker where there is no broker, no Docker and no Java."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"CI", "KAFKA_BOOTSTRAP_SERVERS"}}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", NEEDS_A_REAL_BROKER],
        cwd=PROJECT,
        env={**inherited, "DOCKER_HOST": f"unix://{folder}/none.sock", "JAVA_HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_real_broker_tests_are_skipped_loudly(tmp_path: Path) -> None:
    run = run_where_nothing_is_installed(tmp_path)
    assert run.returncode == 0
    assert "1 skipped" in run.stdout
    assert "NOT TESTED ON APACHE KAFKA" in run.stdout
    assert f"there is no java on JAVA_HOME={tmp_path}" in run.stdout


def test_in_ci_that_is_a_failure(tmp_path: Path) -> None:
    run = run_where_nothing_is_installed(tmp_path, CI="true")
    assert run.returncode == 1
    assert "CI needs a real Apache Kafka" in run.stdout
