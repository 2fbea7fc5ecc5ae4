"""Tables of speed, latency and memory."""

from typing import Final

from tracehound.scripts.documents.measured import Measured, number, table, verdict

_CONTENDERS: Final = {
    "tracehound": "our worker, one execution per record",
    "tracehound_arrays": "our worker, 50 per record",
    "detection_off": "the same without detection, one per record",
    "detection_off_arrays": "the same without detection, 50 per record",
    "bare_detectors": "confluent-kafka with our detectors and nothing else, one per record",
    "bare_detectors_arrays": "confluent-kafka with our detectors and nothing else, 50 per record",
    "bare_decode": "confluent-kafka that only decodes, one per record",
    "bare_decode_arrays": "confluent-kafka that only decodes, 50 per record",
    "quix_river": "Quix Streams with River",
    "jvm_rcf": "Kafka Streams with random cut forests",
    "faust_river_no_table": "Faust with River, without a table",
    "faust_river": "Faust with River and a table",
    "faust_river_take": "Faust with River and a table, many events at a time",
}
_FAUSTS: Final = ("faust_river_no_table", "faust_river", "faust_river_take")
_CPU_OF_TWO: Final = 1.05
_RESTORE_MS: Final = 5.0
_BYTES: Final = 10_000
_RESTART_S: Final = 20.0


def summary(measured: Measured) -> str:
    """One sentence for the first page."""
    found, half = measured.of("throughput")["contenders"], measured.of("latency")["levels"]["0.5"]
    own = found["tracehound"]["executions_per_second"]
    times = {name: own["median"] / one["executions_per_second"]["median"] for name, one in found.items()}
    fausts = sorted((f"{times[name]:.0f}" for name in _FAUSTS if name in times), key=float)
    faust = " to ".join(dict.fromkeys((fausts[0], fausts[-1])))
    return (
        f"With every detector on, one core scores {number(own['median'], 0)} executions/s ({number(own['min'], 0)} to "
        f"{number(own['max'], 0)} in all rounds on a shared machine), {faust} times Faust with River, "
        f"as that is written, and {times['quix_river']:.1f} times Quix Streams with River in the same run; in another "
        f"run an anomaly is out {half['p99_ms']} ms (99th percentile) after its execution at "
        f"{number(half['sent_rate'], 0)} executions/s."
    )


def throughput(measured: Measured) -> str:
    """Executions per second next to other ways to do it."""
    found = measured.of("throughput")["contenders"]
    rows = [
        [
            said,
            f"{number(found[name]['executions_per_second']['median'], 0)} "
            f"({number(found[name]['executions_per_second']['min'], 0)} to "
            f"{number(found[name]['executions_per_second']['max'], 0)})",
            number(found[name]["cpu_s_per_million"]["median"], 1),
        ]
        for name, said in _CONTENDERS.items()
        if name in found
    ]
    head = ("", "executions/s, median (range of the rounds)", "CPU µs each")
    return f"{table(head, rows)}\n\n{measured.origin('throughput', 'make bench-throughput')}"


def targets(measured: Measured) -> str:
    """What was wanted of speed and memory, and what was found."""
    rows = [
        [
            f"{one['target']}, {_CONTENDERS[one['contender']]}",
            f"{number(one['found'], 0 if one['found'] > 1000 else 1)}{one['unit']}",
            verdict(one["met"]),
        ]
        for one in measured.of("throughput")["targets"]
        if one["found"] is not None
    ]
    rows += [
        [
            f"{one['target']}, at {one['share']:.0%} of the maximum load",
            f"{number(one['found'], 0)}{one['unit']}",
            verdict(one["met"]),
        ]
        for one in measured.of("latency")["targets"]
    ]
    rows += _of_intake(measured) + _of_scale(measured) + _of_reliability(measured)
    origins = " ".join(
        (
            measured.origin("throughput", "make bench-throughput"),
            measured.origin("latency", "make bench-latency"),
            measured.origin("intake", "make bench-intake"),
            measured.origin("scale", "make bench-scale"),
            measured.origin("reliability", "python -m tracehound.scripts.soak.memory", "memory"),
            measured.origin("reliability", "python -m tracehound.scripts.soak.restart", "restart"),
        )
    )
    return f"{table(('target', 'found', ''), rows)}\n\n{origins}"


def _of_intake(measured: Measured) -> list[list[str]]:
    figures = measured.of("intake")
    found, target = figures["spans_per_cpu_second"], figures["target_spans_per_cpu_second"]
    return [
        [f"{number(target, 0)} spans per CPU second of intake", f"{number(found, 0)} spans", verdict(found >= target)]
    ]


def _of_scale(measured: Measured) -> list[list[str]]:
    """What a second worker costs, and what taking back the models of an application does."""
    figures = measured.of("scale")
    rows = []
    crews = {crew["workers"]: crew["executions_per_cpu_second"] for crew in figures["workers"]}
    if {1, 2} <= crews.keys():
        times = crews[1] / crews[2]
        target = f"CPU for an execution with two workers within {_CPU_OF_TWO:g} × that with one"
        rows.append([target, f"{times:.2f} ×", verdict(times <= _CPU_OF_TWO)])
    most = max(figures["points"], key=lambda point: (point["operations"], point["segments"]))
    each = most["operations"] // most["applications"]
    target = f"{_RESTORE_MS:.0f} ms of CPU to restore an application ({each} operations)"
    return [*rows, [target, f"{most['restore_ms']:.1f} ms", verdict(most["restore_ms"] <= _RESTORE_MS)]]


def _of_reliability(measured: Measured) -> list[list[str]]:
    """Memory of an operation, and how soon a worker has caught up after a restart."""
    figures = measured.of("reliability")
    rows = [
        [
            f"{number(_BYTES, 0)} bytes per operation at 100,000 operations, {said}",
            f"{number(figures[key], 0)} bytes",
            verdict(figures[key] <= _BYTES),
        ]
        for said, key in (("in arrays", "bytes_per_operation_100000"), ("resident", "rss_bytes_per_operation_100000"))
    ]
    for said, key in (("without `state_dir`", ""), ("with `state_dir`", "_state_dir")):
        seconds = figures[f"restart_caught_up_seconds{key}"]
        target = f"{_RESTART_S:.0f} s until 10,000 applications are scored after a restart, {said}"
        rows.append([target, f"{seconds:.1f} s", verdict(seconds <= _RESTART_S)])
    return rows


def latency(measured: Measured) -> str:
    """From the append of an execution to that of its anomaly, by load."""
    figures = measured.of("latency")
    rows = [
        [
            f"{level['share']:.0%}",
            number(level["sent_rate"], 0),
            *(f"{level[key]} ms" for key in ("p50_ms", "p99_ms", "p999_ms")),
            f"{level['busy']:.0%}",
        ]
        for level in figures["levels"].values()
    ]
    head = ("load", "executions/s", "median", "99th percentile", "99.9th", "core busy")
    maximum = f"The load is a share of {number(figures['maximum'], 0)} executions/s, what that run kept up with."
    return f"{table(head, rows)}\n\n{maximum} {measured.origin('latency', 'make bench-latency')}"


def intake(measured: Measured) -> str:
    """What one intake worker decodes and joins in a second of one core."""
    figures = measured.of("intake")
    rows = [
        [
            encoding,
            number(found["spans_per_cpu_second"]["median"], 0),
            number(found["executions_per_cpu_second"]["median"], 0),
            number(found["peak_mb"]["median"], 0),
        ]
        for encoding, found in figures["worker"].items()
    ]
    head = ("encoding", "spans per CPU second", "executions per CPU second", "peak MB")
    return f"{table(head, rows)}\n\n{measured.origin('intake', 'make bench-intake')}"
