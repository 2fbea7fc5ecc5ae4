"""Each alarm of an execution, through the scorer: kind, signal, unit, numbers, cause and sentence."""

import dataclasses
import random
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tracehound.detectors.features.profile import OWN_CODE
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import Anomaly, AnomalyKind
from tracehound.schemas.execution import Execution, ExecutionFailure, Segment

SETTINGS = DetectionSettings(first_refit=400, reservoir=300, refit_delay=64)
RATE = 10.0
TRAINED = 4_000
Change = Callable[[Execution], Execution]


def execution(draw: random.Random, number: int) -> Execution:
    """A cart: own code, a joined call to stock and one to prices, a query, and half of the time a rendering step."""
    remote, gap, query, own = (draw.lognormvariate(mean, 0.2) for mean in (3.0, 1.0, 2.0, 3.0))
    at, segments = own / 2, []
    for peer in ("stock", "prices"):
        segments.append(Segment(f"GET /{peer}", remote + gap, "http", at, peer=peer, remote_ms=remote))
        at += remote + gap
    segments.append(Segment("SELECT", query, "db", at, peer="cart-db"))
    at += query
    if number % 2:
        segments.append(Segment("render", 5.0, "view", at))
        at += 5.0
    return Execution(
        "shop",
        "GET /cart",
        number / RATE,
        at + own / 2,
        trace_id=f"t{number}",
        segments=segments,
        memory_peak_mb=draw.lognormvariate(5.0, 0.02),
        version="1",
    )


def executions(count: int, first: int = 0, seed: int = 1) -> list[Execution]:
    draw = random.Random(seed)
    return [execution(draw, first + number) for number in range(count)]


@pytest.fixture(scope="module")
def snapshot() -> bytes:
    made = Scorer(SETTINGS, InlineFitter())
    assert made.score(executions(TRAINED)).anomalies == []
    return made.snapshot(("shop", ""))


@pytest.fixture
def scorer(snapshot: bytes) -> Scorer:
    made = Scorer(SETTINGS, InlineFitter())
    made.restore(snapshot)
    return made


def found(scorer: Scorer, change: Change, count: int = 60, kind: AnomalyKind | None = None) -> list[Anomaly]:
    faulty = [change(one) for one in executions(count, TRAINED, seed=2)]
    data = [event.data for _, event in scorer.score(faulty).anomalies]
    return [one for one in data if kind in (None, one.kind)]


def later(one: Execution, **changes: Any) -> Execution:
    return msgspec.structs.replace(one, **changes)


def slower(milliseconds: float, place: int | None = None, remote: bool = False) -> Change:
    """More time in a segment or in its own code; of a joined call, on the way or (``remote``) on the other side."""

    def change(one: Execution) -> Execution:
        if place is not None:
            segment = one.segments[place]
            segment.duration_ms += milliseconds
            if remote and segment.remote_ms is not None:
                segment.remote_ms += milliseconds
            for following in one.segments[place + 1 :]:
                following.offset_ms = (following.offset_ms or 0.0) + milliseconds
        return later(one, duration_ms=one.duration_ms + milliseconds)

    return change


def numbers_in(sentence: str) -> list[float]:
    return [float(text) for text in re.findall(r"\d+(?:\.\d+)?", sentence)]


def is_plain(anomaly: Anomaly) -> bool:
    """What holds for every anomaly: shares that sum to 1, bounds in order, a sentence with its numbers."""
    assert sum(anomaly.contributions.values()) == pytest.approx(1.0)
    assert all(share > 0 for share in anomaly.contributions.values())
    assert anomaly.bounds[0] <= anomaly.bounds[1]
    assert anomaly.score > 0
    assert anomaly.sigma > 0
    assert numbers_in(anomaly.reason) or anomaly.signal in ("structure_new", "structure_set", "error_type")
    assert anomaly.reason.endswith(".")
    return True


def test_slow_own_code(scorer: Scorer) -> None:
    first, *_ = found(scorer, slower(200.0), kind="latency")
    assert is_plain(first)
    assert (first.operation, first.unit) == ("GET /cart", "ms")
    assert first.signal in ("self_ms", "local_ms")
    assert next(iter(first.contributions)) == OWN_CODE
    assert first.typical < first.bounds[1] < first.actual
    assert OWN_CODE in first.reason
    assert "typically" in first.reason


def test_a_slow_network_names_the_peer_and_lies_in_the_gap(scorer: Scorer) -> None:
    first, *rest = found(scorer, slower(80.0, place=1), kind="latency")
    assert is_plain(first)
    assert (first.signal, first.unit) == ("call_gap_ms", "ms")
    assert next(iter(first.contributions)) == "calls to prices"
    assert first.contributions["calls to prices"] > 0.9
    assert first.typical < 5 < first.actual
    assert first.reason.startswith("Calls to prices lose")
    assert {one.signal for one in rest} <= {"call_gap_ms"}


def test_a_slow_callee_is_not_the_callers_fault(scorer: Scorer) -> None:
    assert found(scorer, slower(80.0, place=0, remote=True), kind="latency") == []


def test_a_slow_database_is_named_as_the_call_that_it_is(scorer: Scorer) -> None:
    first, *_ = found(scorer, slower(120.0, place=2), kind="latency")
    assert is_plain(first)
    assert (first.signal, first.unit) == ("call_ms", "ms")
    assert first.contributions == {"calls to cart-db": 1.0}
    assert first.reason.startswith("Calls to cart-db take")


def test_one_execution_far_out_is_told_by_itself(scorer: Scorer) -> None:
    def once(one: Execution) -> Execution:
        return slower(60_000.0)(one) if one.trace_id == f"t{TRAINED + 20}" else one

    first, *_ = found(scorer, once, kind="latency")
    assert is_plain(first)
    assert first.exemplar_trace_ids == [f"t{TRAINED + 20}"]
    assert first.severity == "minor"
    assert first.actual > 60_000
    assert next(iter(first.contributions)) == OWN_CODE
    assert "One execution of GET /cart" in first.reason or "GET /cart spent" in first.reason


def test_one_call_far_out_names_its_peer(scorer: Scorer) -> None:
    def once(one: Execution) -> Execution:
        return slower(60_000.0, place=1)(one) if one.trace_id == f"t{TRAINED + 20}" else one

    first, *_ = found(scorer, once, kind="latency")
    assert is_plain(first)
    assert next(iter(first.contributions)) == "calls to prices"
    assert "prices" in first.reason


def test_memory_that_grows_is_saturation(scorer: Scorer) -> None:
    def leaking(one: Execution) -> Execution:
        return later(one, memory_peak_mb=4.0 * (one.memory_peak_mb or 0.0))

    first, *_ = found(scorer, leaking, kind="saturation")
    assert is_plain(first)
    assert (first.signal, first.unit, first.contributions) == ("memory_peak_mb", "MB", {"memory": 1.0})
    assert "MB of memory" in first.reason


def test_many_more_queries_are_structure(scorer: Scorer) -> None:
    def n_plus_one(one: Execution) -> Execution:
        return later(one, segments=[*one.segments, *(Segment("SELECT", 0.1, "db", peer="cart-db") for _ in range(40))])

    first, *_ = found(scorer, n_plus_one, kind="structure")
    assert is_plain(first)
    assert (first.signal, first.unit) == ("structure_count", "segments")
    assert next(iter(first.contributions)) == "calls to cart-db"
    assert (first.typical, first.actual) == (1.0, 41.0)
    assert "had 41 segments" in first.reason
    assert "SELECT" in first.reason


def test_a_step_that_is_left_out_is_structure(scorer: Scorer) -> None:
    def without_query(one: Execution) -> Execution:
        return later(one, segments=[segment for segment in one.segments if segment.name != "SELECT"])

    first, *_ = found(scorer, without_query, kind="structure")
    assert is_plain(first)
    assert (first.signal, first.typical, first.actual) == ("structure_missing", 1.0, 0.0)
    assert next(iter(first.contributions)) == "calls to cart-db"
    assert "had no segment" in first.reason


def test_a_step_never_seen_is_structure(scorer: Scorer) -> None:
    def with_more(one: Execution) -> Execution:
        return later(one, segments=[*one.segments, Segment("POST /track", 1.0, "http", peer="ads")])

    first, *_ = found(scorer, with_more, kind="structure")
    assert is_plain(first)
    assert (first.signal, first.actual) == ("structure_new", 1.0)
    assert next(iter(first.contributions)) == "calls to ads"
    assert "never seen" in first.reason


def test_an_error_burst_names_the_error(scorer: Scorer) -> None:
    def failing(one: Execution) -> Execution:
        return later(one, status="error", error=ExecutionFailure("TimeoutError", "late"))

    everything = found(scorer, failing, kind="errors")
    rate = [one for one in everything if one.signal == "error_rate"]
    assert all(is_plain(one) for one in everything)
    assert everything[-1].severity == "critical"
    assert rate[0].unit == "share"
    assert rate[0].contributions == {"TimeoutError": 1.0}
    assert rate[0].typical < 0.05 < rate[0].actual <= 1.0
    assert "failed, usually" in rate[0].reason


def test_a_new_type_of_error_is_told_before_it_is_a_burst(scorer: Scorer) -> None:
    def rarely(one: Execution) -> Execution:
        if int(one.trace_id[1:]) % 40:
            return one
        return later(one, status="error", error=ExecutionFailure("NoSuchTable", "carts"))

    first, *_ = found(scorer, rarely, count=200, kind="errors")
    assert is_plain(first)
    assert (first.signal, first.unit, first.contributions) == ("error_type", "executions", {"NoSuchTable": 1.0})
    assert (first.severity, first.typical) == ("minor", 0.0)
    assert first.actual >= 2
    assert "NoSuchTable, which was never seen before" in first.reason


def test_handled_errors_are_no_new_type(scorer: Scorer) -> None:
    def handled(one: Execution) -> Execution:
        return later(one, error=ExecutionFailure("CacheMiss", "handled", handled=True))

    assert [one for one in found(scorer, handled) if one.signal == "error_type"] == []


def test_one_execution_leads_to_at_most_one_alarm_per_kind(scorer: Scorer) -> None:
    def everything_at_once(one: Execution) -> Execution:
        slow = slower(500.0, place=1)(slower(500.0)(one))
        more = [Segment("SELECT", 0.1, "db", peer="cart-db") for _ in range(40)]
        failure = ExecutionFailure("TimeoutError", "late")
        return later(slow, segments=[*slow.segments, *more], status="error", error=failure)

    faulty = [everything_at_once(one) for one in executions(60, TRAINED, seed=2)]
    told = [(row, event.data.kind) for row, event in scorer.score(faulty).anomalies if event.data.window is None]
    assert len(told) == len(set(told))
    assert {kind for _, kind in told} >= {"latency", "structure", "errors"}


@pytest.mark.parametrize("place", [None, 0])
def test_the_first_good_executions_after_a_fault_are_not_blamed_for_it(snapshot: bytes, place: int | None) -> None:
    scorer = Scorer(dataclasses.replace(SETTINGS, rest_s=0.0), InlineFitter())
    scorer.restore(snapshot)
    scorer.score([slower(200.0, place)(one) for one in executions(60, TRAINED, seed=2)])
    batches = [scorer.score([one]) for one in executions(100, TRAINED + 60, seed=3)]
    assert any(batch.deviating for batch in batches), "the recent average is above what is usual for a while"
    assert [event.data.reason for batch in batches for _, event in batch.anomalies] == []


def test_what_is_told_names_an_execution_beyond_the_usual_range_and_what_it_took(scorer: Scorer) -> None:
    faulty = [slower(200.0)(one) for one in executions(60, TRAINED, seed=2)]
    by_id = {one.trace_id: one for one in faulty}
    told = [event.data for _, event in scorer.score(faulty).anomalies if event.data.kind == "latency"]
    charted = [one for one in told if one.model.name == "rank-ewma-chart"]
    assert charted
    for one in charted:
        [exemplar] = [by_id[trace_id] for trace_id in one.exemplar_trace_ids]
        assert one.actual > one.bounds[1]
        if one.signal == "duration_ms":
            assert one.actual == pytest.approx(exemplar.duration_ms, rel=0.5)


def test_good_executions_do_not_tell_errors_again(scorer: Scorer) -> None:
    def failed(one: Execution) -> Execution:
        return later(one, status="error", error=ExecutionFailure("TimeoutError", "late"))

    settled = [failed(one) for one in executions(12, TRAINED, seed=2)]
    told = [event.data for _, event in scorer.score(settled).anomalies if event.data.signal == "error_rate"]
    assert told
    good = executions(400, TRAINED + 60, seed=3)
    assert [event.data.reason for _, event in scorer.score(good).anomalies if event.data.kind == "errors"] == []
