"""Tables of what the console takes: answers, the reader, and Datasette on the same file."""

from typing import Any, Final

from tracehound.scripts.documents.measured import Measured, number, table, verdict

_ENGINES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_ASKED: Final = {
    "list": "anomalies, the newest and those before any moment",
    "filter": "anomalies of one application, or of a kind, by severity",
    "overview": "applications; open incidents",
    "incident": "an incident: as it is, timeline, cause, its anomalies",
}
_P50_MS, _P99_MS, _EVENTS, _MB, _RATIO = 50.0, 200.0, 10_000.0, 300.0, 3.0


def api(measured: Measured) -> str:
    """How long answers take, how fast the reader stores, and what Datasette does with the same list."""
    found = measured.of("api")
    head = ("a page of 50 of", *(f"{engine}, p50 / p99 ms" for engine in _ENGINES.values()), "target 50 / 200")
    rows = [
        [said, *(_times(found, name, what) for name in _ENGINES), _answered(found, what)]
        for what, said in _ASKED.items()
    ]
    parts = [
        f"{number(found['size']['anomalies'], 0)} anomalies and {number(found['size']['incidents'], 0)} incidents in "
        "the store, one client after the other over HTTP on loopback.",
        table(head, rows),
        _reader(found),
    ]
    if found["peer"]:
        parts.append(_peer(found))
    return "\n\n".join((*parts, f"{_machine(found)} {measured.origin('api', 'make bench-api')}"))


def _times(found: dict[str, Any], engine: str, what: str) -> str:
    one = found["engines"][engine]["answers"][what]
    return f"{number(one['p50_ms'], 1)} / {number(one['p99_ms'], 1)}"


def _answered(found: dict[str, Any], what: str) -> str:
    answers = [found["engines"][engine]["answers"][what] for engine in _ENGINES]
    return verdict(all(one["p50_ms"] <= _P50_MS and one["p99_ms"] <= _P99_MS for one in answers))


def _reader(found: dict[str, Any]) -> str:
    rows = [
        [
            f"reader on {said}, events per second of its CPU time",
            number(found["reader_events_per_second"][name], 0),
            "10,000",
            verdict(found["reader_events_per_second"][name] >= _EVENTS),
        ]
        for name, said in _ENGINES.items()
    ]
    most = found["resident_mb"]
    rows.append(["resident memory at most, MB", number(most, 0), "300", verdict(most <= _MB)])
    if found["peer"]:
        ratio = found["datasette_ratio"]
        rows.append(["requests per CPU second, times Datasette's", number(ratio, 1), "3", verdict(ratio >= _RATIO)])
    return table(("", "found", "target", ""), rows)


def _peer(found: dict[str, Any]) -> str:
    peer = found["peer"]
    ours, usual, bare = (number(peer[name]["per_cpu_second"], 0) for name in ("ours", "usual", "bare"))
    return (
        f"Datasette {peer['version']} serves the same file for the same list, one application's major anomalies: "
        f"{usual} requests per CPU second as it is, {bare} without counts, facets and other columns than the event; "
        f"the better of both is compared. The console answers {ours}, with keys and rates checked."
    )


def _machine(found: dict[str, Any]) -> str:
    machine, load = found["machine"], found["load_before"]
    return (
        f"On {machine['cores']} cores ({machine['processor']}), Python {machine['python']}, Kafka "
        f"({machine['kafka']}), PostgreSQL and the client on the same machine; in the minute before, "
        f"{number(load, 1)} processes of others wanted the cores. CPU time is that of the process itself, without "
        "PostgreSQL's."
    )
