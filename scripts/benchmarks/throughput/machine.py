"""Where throughput was measured, and the versions of what was measured."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

from tracehound.infra.kafka.jars import kafka_version
from tracehound.scripts.benchmarks.throughput.contender_list import QUIX_PYTHON
from tracehound.scripts.benchmarks.throughput.contenders.jvm_rcf.build import versions as jvm_versions

_PACKAGES = ("faust-streaming", "river", "confluent-kafka", "aiokafka", "numba", "numpy")
_TIMEOUT_S = 30


def this_machine(broker_kind: str) -> dict[str, str | int]:
    """The processor, its cores, the kernel, and versions; ``broker_kind`` is how the broker was had."""
    started = broker_kind in ("jvm", "docker")
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "kernel": platform.release(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "broker": broker_kind,
        "kafka": kafka_version() if started else broker_kind,
        **{name.replace("-", "_"): importlib.metadata.version(name) for name in _PACKAGES},
        "quixstreams": _quix_version(),
        **jvm_versions(),
        "java": _java_version(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _quix_version() -> str:
    return _said([str(QUIX_PYTHON), "-c", "import importlib.metadata as m; print(m.version('quixstreams'))"])


def _java_version() -> str:
    return _said(["java", "--version"]).partition("\n")[0]


def _said(command: list[str]) -> str:
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "none"
    return run.stdout.strip() if run.returncode == 0 else "none"
