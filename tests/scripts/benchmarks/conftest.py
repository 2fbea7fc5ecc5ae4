"""A small labelled recording with one injected fault, and one with labels per trace."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

START_S = 1_700_000_000
WARM_UP, TRACES = 200, 500
INJECT_S = START_S + 3 * 300
"""A trace starts every 3 s; the fault is injected at trace 300."""


def _write(folder: Path, traces: list[dict[str, Any]], labels: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True)
    for name, lines in (("events.jsonl.gz", traces), ("labels.jsonl.gz", labels)):
        with gzip.open(folder / name, "wt") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    return folder


def _trace(number: int, gateway_us: int, cart_us: int) -> dict[str, Any]:
    spans = [
        ["gateway", "GET /cart", -1, 0, gateway_us],
        ["gateway", "HTTP GET", 0, 1_000, gateway_us - 2_000],
        ["cart", "GET /items", 1, 2_000, cart_us],
        ["cart", "SELECT items", 2, 500, cart_us // 2],
    ]
    return {
        "trace_id": f"{number:032x}",
        "application": "gateway",
        "operation": "GET /cart",
        "start_us": (START_S + 3 * number) * 1_000_000,
        "duration_us": gateway_us,
        "status": None,
        "spans": spans,
    }


@pytest.fixture(scope="session")
def write_windows() -> Callable[[Path], Path]:
    """Writes a folder of traces of two services; calls from 300 on for 60 traces take 20 times as long."""

    def write(folder: Path) -> Path:
        random = np.random.default_rng(1)
        traces, labels = [], []
        for number in range(TRACES):
            cart_us = int(random.lognormal(9.0, 0.2))
            faulty = 300 <= number < 360
            network_us = int(random.lognormal(8.0, 0.2)) * (20 if faulty else 1)
            traces.append(_trace(number, cart_us + network_us + 4_000, cart_us))
            labels.append({"trace_id": f"{number:032x}", "label": int(faulty), "window": 0 if faulty else -1})
        _write(folder, traces, labels)
        window = {"inject_s": INJECT_S, "service": "cart", "type": "network_delay", "visible": True}
        (folder / "windows.json").write_text(json.dumps({"windows": [window]}))
        return folder

    return write


@pytest.fixture(scope="session")
def write_paths() -> Callable[[Path], Path]:
    """Writes a folder with labels per trace: in the test part every fifth trace takes another path, and longer."""

    def write(folder: Path) -> Path:
        random = np.random.default_rng(2)
        traces, labels = [], []
        for number in range(TRACES):
            abnormal = number >= 300 and number % 5 == 0
            root_us = int(random.lognormal(9.0, 0.2)) * (10 if abnormal else 1)
            spans = [["shop", "path1", -1, None, root_us], ["shop", "path2", 0, None, root_us // 2]]
            if abnormal:
                spans.append(["shop", "path3", 0, None, root_us // 4])
            trace = _trace(number, root_us, root_us)
            traces.append(trace | {"application": "shop", "operation": "path1", "spans": spans})
            part = "train" if number < 300 else "test"
            labels.append({"trace_id": trace["trace_id"], "label": int(abnormal), "part": part})
        return _write(folder, traces, labels)

    return write
