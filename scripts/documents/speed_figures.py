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
_LATENCY_TARGET_MS, _BYTES_TARGET = 250.0, 16_384


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
    ]
    half = measured.of("latency")["levels"]["0.5"]
    rows.append(
        [
            f"{_LATENCY_TARGET_MS:.0f} ms from append to anomaly, 99th percentile, at half load",
            f"{half['p99_ms']} ms at {number(half['sent_rate'], 0)} executions/s",
            verdict(half["p99_ms"] <= _LATENCY_TARGET_MS),
        ]
    )
    memory = measured.of("reliability")
    for said, key in (("in arrays", "bytes_per_operation_100000"), ("resident", "rss_bytes_per_operation_100000")):
        rows.append(
            [
                f"{number(_BYTES_TARGET, 0)} bytes per operation at 100,000 operations, {said}",
                f"{number(memory[key], 0)} bytes",
                verdict(memory[key] <= _BYTES_TARGET),
            ]
        )
    origins = " ".join(
        (
            measured.origin("throughput", "make bench-throughput"),
            measured.origin("latency", "make bench-latency"),
            measured.origin("reliability", "python -m tracehound.scripts.soak.memory", "memory"),
        )
    )
    return f"{table(('target', 'found', ''), rows)}\n\n{origins}"


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
