"""Which tests stay together and which come first when several processes share a run of all (`make test`).

The processes take tests from one list. Most of it is over in no time; what takes long waits for brokers and workers,
and so must begin first and be spread over all processes, or the last of it would run alone in the end.
"""

from xdist.scheduler import LoadScopeScheduling

LONG = (
    "tests/end_to_end/test_incident_scenarios.py",
    "tests/scenarios/",
    "tests/end_to_end/test_recovery.py::test_nothing_is_lost_where_brokers_fail",
    "tests/infra/kafka/test_apache.py",
    "tests/end_to_end/test_recovery.py",
    "tests/examples/",
    "tests/infra/test_compose.py",
    "tests/infra/",
    "tests/scripts/benchmarks/throughput/",
    "tests/end_to_end/",
    "tests/scripts/benchmarks/",
    "tests/scripts/commands/",
    "tests/streams/intake/",
    "tests/streams/",
)
"""Tests that begin first, the longest of them before all."""

SPREAD = (
    "tests/end_to_end/",
    "tests/examples/",
    "tests/infra/kafka/",
    "tests/scripts/benchmarks/throughput/",
    "tests/streams/intake/formats/otlp/test_otlp_fuzz.py",
    "tests/streams/kafka/",
    "tests/streams/notify/",
)
"""Tests that need not stay with the others of their file: what they share is shared by all tests of a process."""

GROUPS = {
    "tests/scenarios/": "simulated systems",
    "tests/end_to_end/test_recovery.py::test_nothing_is_lost_where_brokers_fail": "three brokers",
    "tests/infra/kafka/test_apache.py::test_a_cluster_survives_the_crash_of_a_broker": "three brokers",
    "tests/infra/kafka/test_apache.py::test_topics_have_three_replicas_of_which_two_must_be_in_sync": "three brokers",
}
"""Tests of several files that share something dear, which each process would make for itself."""


def group_of(nodeid: str) -> str:
    """What a test stays together with: the rest of its group or file, or nothing but itself.

    >>> group_of("tests/schemas/test_codec.py::test_a"), group_of("tests/end_to_end/test_worker.py::test_a[real]")
    ('tests/schemas/test_codec.py', 'tests/end_to_end/test_worker.py::test_a[real]')
    """
    group = next((name for prefix, name in GROUPS.items() if nodeid.startswith(prefix)), None)
    return group or (nodeid if nodeid.startswith(SPREAD) else nodeid.partition("::")[0])


def place_of(nodeid: str) -> int:
    """A test's place among those that begin first; the last for all others.

    >>> place_of("tests/scenarios/test_incidents.py::test_a") < place_of("tests/schemas/test_codec.py::test_a")
    True
    """
    return next((place for place, prefix in enumerate(LONG) if nodeid.startswith(prefix)), len(LONG))


class Together(LoadScopeScheduling):
    """Gives each process one group after the other, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
