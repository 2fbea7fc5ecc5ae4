"""The measured figures that sizes are reckoned from, taken from the stored figures of the benchmarks."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec


class Point(msgspec.Struct, frozen=True):
    """The detectors alone, for so many operations: CPU µs of an execution by its number of segments."""

    operations: int
    us_by_segments: dict[int, float]


class Measured(msgspec.Struct, frozen=True):
    """Figures with where they are from.

    Parameters:
        sources: file of figures to the commit that it was measured on.
        worker_us: CPU µs of an execution in a worker with all that it does, one for each record.
        worker_us_in_arrays: the same with fifty in a record.
        worker_operations: operations of that load.
        worker_segments: segments of each of its executions.
        detectors: the detectors alone, by the number of operations.
        second_worker: executions per CPU second of each of two workers, over those of one alone.
        base_mb: resident memory of a worker before it has learned anything.
        bytes_per_operation: resident memory of what was learned of one.
        state_bytes_per_operation: bytes of it on Kafka.
        state_ms_per_application: CPU ms to save one application's state, of a hundred operations.
        restore_ms: CPU ms to read an application's state again, by its operations.
        spans_per_cpu_second: of intake.
        executions_per_span: that intake made of them.
        gateway_spans_per_cpu_second: of the gateway, in requests of 500.
        console_events_per_cpu_second: of the console's reader on PostgreSQL.
    """

    sources: dict[str, str]
    worker_us: float
    worker_us_in_arrays: float
    worker_operations: int
    worker_segments: int
    detectors: list[Point]
    second_worker: float
    base_mb: float
    bytes_per_operation: float
    state_bytes_per_operation: float
    state_ms_per_application: float
    restore_ms: dict[int, float]
    spans_per_cpu_second: float
    executions_per_span: float
    gateway_spans_per_cpu_second: float
    console_events_per_cpu_second: float


def measured() -> Measured:
    """What this version comes with."""
    return msgspec.json.decode(files(__package__).joinpath("measured.json").read_bytes(), type=Measured)


def measured_by(folder: Path) -> Measured:
    """Take them from the figures that benchmarks stored.

    Parameters:
        folder: ``docs/benchmarks``.
    """
    of = {name: _figures(folder, name) for name in ("throughput", "scale", "intake", "gateway", "api")}
    throughput, scale, intake = of["throughput"], of["scale"], of["intake"]
    setup, contenders = throughput["setup"], throughput["contenders"]
    points: dict[int, dict[int, dict[str, Any]]] = {}
    for point in scale["points"]:
        points.setdefault(point["operations"], {})[point["segments"]] = point
    hundred = points[10_000][5]  # a hundred operations of each application
    most = max(points)
    alone, both = scale["workers"]
    workload = intake["workload"]["protobuf"]
    return Measured(
        sources={f"{name}.json": figures["commit"] for name, figures in of.items()},
        worker_us=_us(contenders["tracehound"]),
        worker_us_in_arrays=_us(contenders["tracehound_arrays"]),
        worker_operations=setup["applications"] * setup["operations"],
        worker_segments=setup["segments"],
        detectors=[
            Point(operations, {segments: round(one["us_per_execution"], 2) for segments, one in sorted(found.items())})
            for operations, found in sorted(points.items())
        ],
        second_worker=round(both["executions_per_cpu_second"] / alone["executions_per_cpu_second"], 3),
        base_mb=round(min(one["resident_mb"] - one["models_mb"] for one in scale["points"]), 1),
        bytes_per_operation=round(points[most][5]["models_mb"] * 2**20 / most),
        state_bytes_per_operation=round(hundred["snapshot_bytes"] * hundred["applications"] / hundred["operations"]),
        state_ms_per_application=round(hundred["snapshot_ms"], 2),
        restore_ms={
            operations: round(found[5]["restore_ms"], 2)
            for operations, found in sorted(points.items())
            if found[5]["applications"] == 1
        },
        spans_per_cpu_second=round(intake["spans_per_cpu_second"]),
        executions_per_span=round(workload["executions"] / workload["spans"], 3),
        gateway_spans_per_cpu_second=round(of["gateway"]["spans_per_cpu_second"]),
        console_events_per_cpu_second=round(of["api"]["reader_events_per_second"]["postgresql"]),
    )


def _figures(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return found


def _us(contender: dict[str, Any]) -> float:
    return round(float(contender["cpu_s_per_million"]["median"]), 2)
