"""One id for both sides of a call, attempts under one id, spans that came again: the same result in every order."""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.intake.conftest import make_chunk, make_span
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Execution
from tracehound.schemas.spans import Span, SpanKind
from tracehound.streams.intake.assembly.assemble import assemble

Owned = tuple[str, Span]


def fresh(spans: list[Owned]) -> list[Owned]:
    return [(service, msgspec.structs.replace(span)) for service, span in spans]


def executions(*spans: Owned) -> list[Execution]:
    return assemble("t", [make_chunk(*fresh(list(spans)))]).executions


def shared_call() -> list[Owned]:
    """Shop calls stock; both sides of the call have the id ``b``."""
    return [
        ("shop", make_span("a", "", 0, 100)),
        ("shop", make_span("b", "a", 10, 80, "client")),
        ("shop", make_span("c", "b", 12, 5, "internal", "connect")),
        ("stock", make_span("b", "a", 15, 60, "server")),
        ("stock", make_span("d", "b", 20, 30, "internal", "SELECT item")),
    ]


def test_both_sides_of_a_call_may_have_one_id() -> None:
    shop, stock = executions(*shared_call())

    assert [(one.name, one.peer, one.remote_ms) for one in shop.segments] == [
        ("GET /b", "stock", 60.0),
        ("connect", None, None),
    ]
    assert (stock.span_id, stock.parent_span_id, stock.duration_ms) == ("b-server", "b", 60.0)
    assert [one.name for one in stock.segments] == ["SELECT item"]


def test_without_its_other_side_a_span_keeps_its_id() -> None:
    (stock,) = executions(*shared_call()[3:])

    assert (stock.span_id, stock.parent_span_id, len(stock.segments)) == ("b", "a", 1)


def test_an_id_that_is_taken_is_given_to_no_other_span() -> None:
    taken = ("bank", make_span("b-server", "a", 1, 5, "server"))

    found = executions(*shared_call(), taken)

    assert [(one.application, one.span_id) for one in found] == [
        ("shop", "a"),
        ("bank", "b-server"),
        ("stock", "b-server-1"),
    ]


def test_the_flag_of_a_shared_span_says_as_much_without_the_other_side() -> None:
    flagged = ("stock", make_span("b-server", "b", 15, 60, "server", remote_parent=True))

    (alone,) = executions(flagged, shared_call()[4])
    _, joined = executions(*shared_call()[:3], flagged, shared_call()[4])

    for stock in (alone, joined):
        assert (stock.span_id, stock.parent_span_id, len(stock.segments)) == ("b-server", "b", 1)


def test_a_sidecar_and_its_application_may_share_the_id_as_well() -> None:
    spans = [*shared_call(), ("sidecar", make_span("b", "a", 14, 70, "server"))]

    shop, sidecar, stock = executions(*spans)

    assert [one.application for one in (shop, sidecar, stock)] == ["shop", "sidecar", "stock"]
    assert (sidecar.parent_span_id, stock.parent_span_id) == ("b", "b-server")
    assert [one.peer for one in shop.segments] == ["sidecar", None]


@pytest.mark.parametrize("kind", ["client", "server", "internal", None])
def test_of_two_attempts_under_one_id_the_later_end_counts(kind: SpanKind | None) -> None:
    root = ("shop", make_span("a", "", 0, 200))
    failed = ("shop", make_span("b", "a", 5, 73, kind, "GET", is_error=1, remote_parent=False))
    succeeded = ("shop", make_span("b", "a", 80, 100, kind, "GET", remote_parent=False))

    for spans in ([root, failed, succeeded], [succeeded, failed, root]):
        found = assemble("t", [make_chunk(*fresh(spans))])
        (shop,) = found.executions
        assert [(one.duration_ms, one.status) for one in shop.segments] == [(100.0, "unset")]
        assert found.repeated == 1


def test_spans_that_came_again_are_counted() -> None:
    assert assemble("t", [make_chunk(*shared_call()), make_chunk(*shared_call())]).repeated == 5


@st.composite
def any_ids(draw: st.DrawFn) -> list[Owned]:
    """Spans of few ids, services and kinds, so that many share an id."""
    return [
        (
            draw(st.sampled_from("ab")),
            make_span(
                draw(st.sampled_from("1234")),
                draw(st.sampled_from(["", "1", "2", "3", "9"])),
                draw(st.integers(0, 4)),
                draw(st.integers(0, 4)),
                draw(st.sampled_from([None, "internal", "client", "server", "consumer", "producer"])),
                draw(st.sampled_from(["GET", "poll", "query"])),
                is_error=draw(st.sampled_from([None, 1])),
                remote_parent=draw(st.sampled_from([None, True, False])),
            ),
        )
        for _ in range(draw(st.integers(1, 8)))
    ]


@settings(max_examples=400, deadline=None)
@given(any_ids(), st.randoms(use_true_random=False))
def test_ids_used_twice_give_one_result_in_every_order(spans: list[Owned], random: Random) -> None:
    def outcome(given: list[Owned]) -> bytes:
        try:
            found = assemble("t", [make_chunk(one) for one in fresh(given)])
        except InvalidExecutionError:  # each other's ancestors
            return b""
        return msgspec.msgpack.encode((found.executions, found.orphans, found.repeated))

    shuffled = list(spans)
    random.shuffle(shuffled)

    assert outcome(shuffled) == outcome(spans)
