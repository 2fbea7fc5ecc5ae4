from copy import deepcopy

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.call_graph import Call, CallGraph, add_call, summed

COUNTS = st.integers(0, 1_000)
MILLISECONDS = st.integers(0, 10**6).map(float)  # whole, so that sums do not depend on their order
CALLS = st.builds(
    Call,
    st.sampled_from([0, 300]),
    st.sampled_from(["GET /a", "GET /b"]),
    st.sampled_from(["x", "y"]),
    st.sampled_from(["", "GET /x"]),
    COUNTS,
    COUNTS,
    MILLISECONDS,
    COUNTS,
    MILLISECONDS,
    MILLISECONDS,
)
GRAPHS = st.lists(
    st.builds(
        CallGraph, st.just(""), st.sampled_from("ab"), st.sampled_from(["", "test"]), st.lists(CALLS, max_size=4)
    ),
    max_size=5,
).map(lambda graphs: [msgspec.structs.replace(graph, id=f"0/{number}") for number, graph in enumerate(graphs)])

Numbers = tuple[float, ...]


def numbers(call: Call) -> Numbers:
    return (call.count, call.errors, call.caller_ms, call.timed, call.timed_caller_ms, call.callee_ms)


def by_edge(graphs: list[CallGraph]) -> dict[tuple[str, str, int, str, str, str], Numbers]:
    return {
        (*key, call.window_start, call.operation, call.peer, call.peer_operation): numbers(call)
        for key, calls in summed(graphs).items()
        for call in calls
    }


@given(GRAPHS, st.randoms(use_true_random=False))
def test_sums_are_over_all_records_each_once_in_any_order(graphs: list[CallGraph], random: object) -> None:
    kept = deepcopy(graphs)
    expected: dict[tuple[str, str, int, str, str, str], Numbers] = {}
    for graph in graphs:
        for call in graph.calls:
            edge = (
                graph.application,
                graph.environment,
                call.window_start,
                call.operation,
                call.peer,
                call.peer_operation,
            )
            before = expected.get(edge, (0,) * 6)
            expected[edge] = tuple(one + other for one, other in zip(before, numbers(call), strict=True))

    assert by_edge(graphs) == expected
    assert by_edge(graphs[::-1] + graphs) == expected
    assert graphs == kept


def test_one_record_of_intake_tells_of_several_applications() -> None:
    call = Call(0, "GET /a", "x", count=1)
    found = summed([CallGraph("0/7", name, environment, [call]) for name, environment in ("ab", "a ", ("a", ""))])

    assert [[one.count for one in calls] for calls in found.values()] == [[1], [1], [1]]


def test_names_with_spaces_are_not_taken_for_each_other() -> None:
    call = Call(0, "GET /a", "x", count=1)

    found = summed([CallGraph("0/7", "a", "b c", [call]), CallGraph("0/7", "a b", "c", [call])])

    assert {key: [one.count for one in calls] for key, calls in found.items()} == {("a", "b c"): [1], ("a b", "c"): [1]}


def test_adding_changes_only_the_total() -> None:
    total, call = Call(0, "a", "x", "", 1, 1, 2.0, 1, 2.0, 1.0), Call(0, "a", "x", "", 2, 0, 3.0, 1, 3.0, 2.5)

    add_call(total, call)

    assert numbers(total) == (3, 1, 5.0, 2, 5.0, 3.5)
    assert numbers(call) == (2, 0, 3.0, 1, 3.0, 2.5)


@given(GRAPHS)
def test_records_come_back_from_json_and_messagepack(graphs: list[CallGraph]) -> None:
    for graph in graphs:
        assert msgspec.json.decode(msgspec.json.encode(graph), type=CallGraph) == graph
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(graph), type=CallGraph) == graph
