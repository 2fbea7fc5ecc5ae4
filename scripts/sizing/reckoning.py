"""From a load to processes, memory, disk, traffic and money."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from tracehound.scripts.sizing.measured import Measured
from tracehound.streams.settings.settings import Settings

HOURS_PER_MONTH: Final = 730.0
"""Of a year's twelfth."""

_LEAST_PARTITIONS: Final = 12
_SPARE_PARTITIONS: Final = 4
"""So many times more workers can be had later without new topics."""

_SAVE_SHARE: Final = 0.05
"""The default of the setting ``save_share``."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be watched.

    Parameters:
        applications: their number.
        rate: executions/s of all together, on average.
        peak: the busiest hour's rate over the average.
        operations: of an application.
        segments: of an execution.
        bytes_per_execution: on Kafka, compressed as producers do.
        per_record: executions in a record: 1, or many where producers send arrays.
        spans: whether they come as spans, so that intake joins them and the gateway takes them.
        largest_share: share of the executions that are of the largest application.
        busy: share of a core that a process may be busy at the peak.
        keep_days: how long Kafka keeps executions.
        replicas: of each partition.
    """

    applications: int
    rate: float
    peak: float = 2.0
    operations: int = 20
    segments: float = 5.0
    bytes_per_execution: float = 500.0
    per_record: int = 1
    spans: bool = False
    largest_share: float = 0.1
    busy: float = 0.5
    keep_days: float = 3.0
    replicas: int = 3


@dataclass(frozen=True, slots=True)
class Prices:
    """What machines cost: a core and a GB of memory for an hour, a GB of disk for a month."""

    core_hour: float = 0.04
    memory_gb_hour: float = 0.005
    disk_gb_month: float = 0.1


@dataclass(frozen=True, slots=True)
class Size:
    """What it needs.

    Parameters:
        workers: one more than the load asks for, so that one may be lost.
        worker_us: CPU µs of an execution.
        worker_cores: cores that all of them keep busy at the peak.
        worker_memory_mb: of one, with room for a second share where another is lost.
        partitions: of each topic, fixed when topics are created.
        intakes, gateways: likewise one more than asked for; none where no spans come.
        states_gb: what workers have learned, on Kafka, each replica counted once.
        restore_s: how long one worker reads what another had learned, on one core.
        kafka_in_mb_s, kafka_out_mb_s: at the peak, between brokers and clients; replication comes on top.
        kafka_disk_gb: of all replicas.
        largest_rate: executions/s of the largest application at the peak, which are one worker's.
        largest_limit: executions/s that one worker can do.
        cost_per_month: of processes and disk, without Kafka's own machines.
        warnings: sentences on what does not go.
    """

    workers: int
    worker_us: float
    worker_cores: float
    worker_memory_mb: float
    partitions: int
    intakes: int
    gateways: int
    states_gb: float
    restore_s: float
    kafka_in_mb_s: float
    kafka_out_mb_s: float
    kafka_disk_gb: float
    largest_rate: float
    largest_limit: float
    cost_per_month: float
    warnings: tuple[str, ...] = ()


def size(load: Load, figures: Measured, prices: Prices) -> Size:
    """Reckon what a load needs. Nothing is rounded in its favour."""
    peak_rate = load.rate * load.peak
    operations = load.applications * load.operations
    needed, worker_us = _workers(load, figures, peak_rate, operations)
    workers = needed + 1
    memory_mb = figures.base_mb + figures.bytes_per_operation * operations / needed / 2**20
    intakes = gateways = 0
    if load.spans:
        spans_s = peak_rate / figures.executions_per_span
        intakes = math.ceil(spans_s / figures.spans_per_cpu_second / load.busy) + 1
        gateways = math.ceil(spans_s / figures.gateway_spans_per_cpu_second / load.busy) + 1
    states_bytes = operations * figures.state_bytes_per_operation
    # States are saved for a share of the time at most, of a hundred operations each as they were measured.
    saved_mb_s = (
        workers * _SAVE_SHARE * 1e3 / figures.state_ms_per_application * figures.state_bytes_per_operation / 1e4
    )
    executions_mb_s = peak_rate * load.bytes_per_execution / 1e6
    ways_in = 3 if load.spans else 1  # as spans, again by trace, then as executions
    ways_out = 2 * ways_in  # workers (or intake), and who keeps executions
    disk_gb = (
        load.rate * load.bytes_per_execution * 86_400.0 * load.keep_days * ways_in / 1e9 + 2.0 * states_bytes / 1e9
    ) * load.replicas
    largest = peak_rate * max(load.largest_share, 1.0 / load.applications)
    limit = load.busy * 1e6 / worker_us
    cores = peak_rate * worker_us / 1e6
    processes = workers + intakes + gateways + 2  # incidents and console
    memory_gb = (workers * memory_mb + (intakes + gateways + 2) * 1_024.0) / 1_024.0
    return Size(
        workers=workers,
        worker_us=worker_us,
        worker_cores=cores,
        worker_memory_mb=memory_mb,
        partitions=max(_LEAST_PARTITIONS, _SPARE_PARTITIONS * workers),
        intakes=intakes,
        gateways=gateways,
        states_gb=states_bytes / 1e9,
        restore_s=load.applications / needed * _restore_ms(figures, load.operations) / 1e3,
        kafka_in_mb_s=executions_mb_s * ways_in + saved_mb_s,
        kafka_out_mb_s=executions_mb_s * ways_out,
        kafka_disk_gb=disk_gb,
        largest_rate=largest,
        largest_limit=limit,
        cost_per_month=(processes * prices.core_hour + memory_gb * prices.memory_gb_hour) * HOURS_PER_MONTH
        + disk_gb * prices.disk_gb_month,
        warnings=_warnings(load, figures, needed, largest, limit),
    )


def _workers(load: Load, figures: Measured, peak_rate: float, operations: int) -> tuple[int, float]:
    """How many are needed, and what an execution costs each: it is dearer the more operations one worker has."""
    needed = 1
    while True:
        each = worker_us(figures, operations / needed, load.segments, load.per_record)
        if needed > 1:
            each /= figures.second_worker
        wanted = max(1, math.ceil(peak_rate * each / 1e6 / load.busy))
        if wanted <= needed:
            return needed, each
        needed = min(wanted, needed * 2)


def worker_us(figures: Measured, operations: float, segments: float, per_record: int) -> float:
    """CPU µs of an execution in a worker, for a number of operations on it and segments of each.

    What a worker does beside detecting costs the same for all; the detectors' part is interpolated between what was
    measured, and beyond the most operations it grows as between the last two.
    """
    single = figures.worker_us - figures.worker_us_in_arrays
    whole = figures.worker_us_in_arrays + single / per_record
    measured = _detectors_us(figures, figures.worker_operations, figures.worker_segments)
    return whole + _detectors_us(figures, operations, segments) - measured


def _detectors_us(figures: Measured, operations: float, segments: float) -> float:
    by_operations = [(point.operations, _by_segments(point.us_by_segments, segments)) for point in figures.detectors]
    found = [(math.log10(count), us) for count, us in by_operations if us is not None]
    at = math.log10(max(operations, 1.0))
    (before, before_us), (last, last_us) = found[-2:]
    if at > last:
        return last_us + (at - last) * max(0.0, last_us - before_us) / (last - before)
    return float(np.interp(at, [count for count, _ in found], [us for _, us in found]))


def _by_segments(measured: dict[int, float], segments: float) -> float | None:
    """Between the numbers of segments that were measured; with one more than the most, as much more as before."""
    counts = sorted(measured)
    if len(counts) == 1:
        return measured[counts[0]] if segments <= counts[0] else None
    if segments > counts[-1]:
        slope = (measured[counts[-1]] - measured[counts[-2]]) / (counts[-1] - counts[-2])
        return measured[counts[-1]] + (segments - counts[-1]) * slope
    return float(np.interp(segments, counts, [measured[count] for count in counts]))


def _restore_ms(figures: Measured, operations: int) -> float:
    counts = sorted(figures.restore_ms)
    if operations > counts[-1]:
        return figures.restore_ms[counts[-1]] * operations / counts[-1]
    return float(np.interp(operations, counts, [figures.restore_ms[count] for count in counts]))


def _warnings(load: Load, figures: Measured, needed: int, largest: float, limit: float) -> tuple[str, ...]:
    found = []
    if largest > limit:
        found.append(
            f"The largest application sends {largest:,.0f} executions/s, and one worker does {limit:,.0f}: "
            "an application is one partition's. Send it under several names (by region, by cluster), "
            "each with models of its own."
        )
    detection = Settings().detection
    of_each = math.ceil(load.applications / needed)
    if of_each > detection.applications_per_worker:
        found.append(
            f"Each worker has {of_each:,} applications: set detection.applications_per_worker, which is "
            f"{detection.applications_per_worker:,}, or run more workers."
        )
    models_mb = figures.bytes_per_operation * load.applications * load.operations / needed / 2**20
    if models_mb > Settings().model_memory_mb:
        found.append(
            f"Each worker's models take {models_mb:,.0f} MB where all are used: set model_memory_mb, which is "
            f"{Settings().model_memory_mb:,}, or those that are least used are saved and read again."
        )
    return tuple(found)
