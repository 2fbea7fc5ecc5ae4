"""The programs that are measured: our gateway, and a Collector that answers, as ours does, once Kafka has it."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tracehound.scripts.benchmarks.cores import on_cores

_START_S = 60.0


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], answers_at: str, log: Path, core: int
) -> Iterator[int]:
    """A program on one core for as long as the block, from when it answers; gives its process id.

    Raises:
        RuntimeError: it ends by itself or does not answer; the message holds the end of its log.
    """
    with log.open("wb") as output, on_cores({core}):
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment})
    try:
        deadline_s = time.monotonic() + _START_S
        while not _answers(answers_at):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (http)
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        return error.code in (404, 405)  # a Collector has no page of its own: it answers
    except OSError:
        return False


def gateway(servers: str, prefix: str, spans_topic: str, port: int) -> tuple[list[str], dict[str, str], str]:
    """Our command, its settings, and what answers when it is ready."""
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": servers,
        "TRACEHOUND_TOPIC_PREFIX": prefix,
        "TRACEHOUND_INTAKE__OTLP_TOPICS": spans_topic,
        "TRACEHOUND_GATEWAY__PORT": str(port),
        "TRACEHOUND_GATEWAY__GRPC_PORT": "0",
    }
    return [sys.executable, "-m", "tracehound", "gateway"], environment, f"http://127.0.0.1:{port}/readyz"


def collector(
    program: Path, servers: str, spans_topic: str, port: int, folder: Path
) -> tuple[list[str], dict[str, str], str]:
    """A Collector without a queue, so that its answer means what ours does: all replicas have it."""
    settings = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {
            "kafka": {
                "brokers": [servers],
                "traces": {"topic": spans_topic, "encoding": "otlp_proto"},
                "sending_queue": {"enabled": False},
                "producer": {"required_acks": "all", "compression": "lz4", "max_message_bytes": 8_000_000},
            }
        },
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["kafka"]}},
        },
    }
    file = folder / "collector.yaml"
    file.write_text(json.dumps(settings))  # JSON is YAML
    return [str(program), f"--config={file}"], {"GOMAXPROCS": "1"}, f"http://127.0.0.1:{port}/v1/traces"
