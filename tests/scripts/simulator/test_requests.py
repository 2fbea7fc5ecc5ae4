from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.requests import Queue, Requests
from tracehound.scripts.simulator.system import Operation, System

SYSTEM = build_system()


def test_work_waits_for_the_work_before_it_and_is_done_meanwhile() -> None:
    queue = Queue()

    assert [queue.wait_ms(at_s, 100.0) for at_s in (10.0, 10.05, 10.1, 10.5)] == [0.0, 50.0, 100.0, 0.0]


def test_what_arrives_out_of_order_waits_as_if_it_came_last() -> None:
    queue = Queue()
    queue.wait_ms(10.0, 100.0)

    assert queue.wait_ms(9.0, 100.0) == 100.0
    assert queue.wait_ms(10.0, 100.0) == 200.0


def test_a_request_is_one_trace_with_spans_of_their_own() -> None:
    executions = Requests(1).run(SYSTEM, "gateway", "POST /checkout", 1_000.0)
    spans = [one.span_id for one in executions]
    segments = [segment.span_id for one in executions for segment in one.segments]

    assert [one.application for one in executions][:2] == ["gateway", "users"]
    assert len({one.trace_id for one in executions}) == 1
    assert len(set(spans)) == len(spans)
    assert len(set(segments)) == len(segments)
    assert {one.parent_span_id for one in executions[1:]} <= set(segments)
    assert len(executions[0].trace_id) == 32
    assert {len(span) for span in spans} == {16}


def test_another_pace_draws_the_same_durations_longer() -> None:
    (usual,) = Requests(1).run(SYSTEM, "payment", "GET /methods", 0.0)
    (slower,) = Requests(1).run(SYSTEM, "payment", "GET /methods", 0.0, pace=2.0)

    assert slower.duration_ms == 2 * usual.duration_ms


def test_what_happens_elsewhere_is_not_reported() -> None:
    elsewhere = System(SYSTEM.applications, SYSTEM.entries, elsewhere={"cart": 1.0})

    executions = Requests(1).run(elsewhere, "gateway", "GET /cart", 0.0)

    assert [one.application for one in executions] == ["gateway", "users"]
    (call,) = [segment for segment in executions[0].segments if segment.peer == "cart"]
    assert (call.status, call.remote_ms) == ("ok", None)
    assert call.duration_ms > 1
    assert Requests(1).run(elsewhere, "cart", "GET /cart", 0.0) == []


def test_a_silent_application_reports_nothing() -> None:
    silent = System(SYSTEM.applications, SYSTEM.entries, silent=frozenset({"users"}))

    assert Requests(1).run(silent, "users", "POST /login", 0.0) == []


def test_versions_are_those_of_the_system() -> None:
    system = System({"one": {"do": Operation("do", 1, 0.1, ())}}, (("one", "do", 1.0),), versions={"one": "7"})

    assert [one.version for one in Requests(1).run(system, "one", "do", 0.0)] == ["7"]
