"""A first start says that it compiles, and metrics and health answer meanwhile."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from click.testing import CliRunner

from tracehound.infra.kafka.ports import free_ports
from tracehound.scripts.commands.compiling import COMPILING, compile_command, compile_first


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_worker_without_compiled_kernels_says_so_answers_and_can_be_ended(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "tracehound", "worker"],
        env={
            **os.environ,
            "NUMBA_CACHE_DIR": str(tmp_path),
            "TRACEHOUND_HTTP_PORT": str(port),
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "TRACEHOUND_STALL_TIMEOUT_S": "0.5",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = next(line for line in map(json.loads, process.stderr) if line["event"] == "kernels_compiling")

    time.sleep(1.5)  # longer than it may stall once it has begun
    assert said["sentence"] == COMPILING
    assert get(port, "/livez")[0] == 200
    assert get(port, "/metrics")[0] == 200
    assert get(port, "/readyz")[0] == 503
    assert json.loads(get(port, "/readyz")[1])["preparing"] is True

    process.send_signal(signal.SIGTERM)
    rest = process.stderr.read()
    assert process.wait(120) == 0
    assert "broker_unreachable" not in rest, "it has not gone on to the broker"
    process.stderr.close()


def test_nothing_is_said_where_the_kernels_are_compiled() -> None:
    said: list[str] = []
    compile_first(lambda _: None)
    compile_first(said.append)

    assert said == []
    assert CliRunner().invoke(compile_command, []).output == "The kernels are compiled.\n"
