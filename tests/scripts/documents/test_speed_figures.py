"""The table of targets is judged by the figures that are stored."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tracehound.scripts.documents.measured import Measured
from tracehound.scripts.documents.speed_figures import targets

_STAMP = {"commit": "abc", "date": "2026-01-01"}
_POINT = {"operations": 100_000, "segments": 5, "applications": 1_000, "restore_ms": 5.1}


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    files: dict[str, dict[str, Any]] = {
        "throughput": {
            "targets": [
                {"target": "fast", "contender": "tracehound", "found": 99.0, "met": False, "unit": " /s"},
                {"target": "faster", "contender": "jvm_rcf", "found": None, "met": None, "unit": " ×"},
            ]
        },
        "latency": {"targets": [{"target": "soon", "share": 0.5, "found": 50.0, "met": True, "unit": " ms"}]},
        "intake": {"spans_per_cpu_second": 100_000.0, "target_spans_per_cpu_second": 100_000},
        "scale": {
            "points": [_POINT, {**_POINT, "operations": 100, "applications": 1, "restore_ms": 1.0}],
            "workers": [
                {"workers": 1, "executions_per_cpu_second": 105.0},
                {"workers": 2, "executions_per_cpu_second": 100.0},
            ],
        },
        "reliability": {
            "bytes_per_operation_100000": 10_000,
            "rss_bytes_per_operation_100000": 10_001,
            "restart_caught_up_seconds": 20.0,
            "restart_caught_up_seconds_state_dir": 20.1,
            "measured": {"memory": _STAMP, "restart": _STAMP},
        },
    }
    for name, figures in files.items():
        (tmp_path / f"{name}.json").write_bytes(orjson.dumps(_STAMP | figures))
    return Measured(tmp_path)


def test_each_target_that_was_measured_is_met_or_missed(measured: Measured) -> None:
    rows = [line for line in targets(measured).splitlines() if line.startswith("| ")][1:]

    assert rows == [
        "| fast, our worker, one execution per record | 99.0 /s | **missed** |",
        "| soon, at 50% of the maximum load | 50 ms | met |",
        "| 100,000 spans per CPU second of intake | 100,000 spans | met |",
        "| CPU for an execution with two workers within 1.05 × that with one | 1.05 × | met |",
        "| 5 ms of CPU to restore an application (100 operations) | 5.1 ms | **missed** |",
        "| 10,000 bytes per operation at 100,000 operations, in arrays | 10,000 bytes | met |",
        "| 10,000 bytes per operation at 100,000 operations, resident | 10,001 bytes | **missed** |",
        "| 20 s until 10,000 applications are scored after a restart, without `state_dir` | 20.0 s | met |",
        "| 20 s until 10,000 applications are scored after a restart, with `state_dir` | 20.1 s | **missed** |",
    ]
