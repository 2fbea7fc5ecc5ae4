"""What begins an execution where libraries record one thing twice, or things nobody asked for."""

import pytest

from tests.streams.intake.conftest import make_chunk, make_span
from tracehound.schemas.execution import Execution, ExecutionFailure
from tracehound.schemas.spans import Span, SpanKind
from tracehound.streams.intake.assembly.assemble import assemble


def executions(*spans: tuple[str, Span]) -> list[Execution]:
    return assemble("t", [make_chunk(*spans)]).executions


@pytest.mark.parametrize(
    ("parent_kind", "remote", "begins"),
    [
        ("server", False, False),
        ("server", None, False),
        ("server", True, True),
        ("internal", False, False),
        ("internal", None, True),
        ("client", None, True),
        ("client", True, True),
    ],
)
def test_a_server_below_one_of_its_own_process_is_a_segment(
    parent_kind: SpanKind, remote: bool | None, begins: bool
) -> None:
    outer = make_span("a", "", 0, 100)
    middle = make_span("m", "a", 1, 98, parent_kind, "within", remote_parent=None if parent_kind == "server" else False)
    inner = make_span("b", "m", 2, 96, "server", "request", remote_parent=remote)

    made = executions(("api", outer), ("api", middle), ("api", inner))

    assert [one.span_id for one in made] == (["a", "b"] if begins else ["a"])
    if not begins:
        assert [(one.name, one.kind, one.peer) for one in made[0].segments][-1] == ("request", "code", None)


@pytest.mark.parametrize(
    "name",
    [
        "dns.lookup",
        "tcp.connect",
        "tls.connect",
        "pg.connect",
        "pg-pool.connect",
        "connect",
        "PRAGMA main.table",
        "Hikari.getConnection",
    ],
)
def test_a_root_that_only_connects_begins_nothing(name: str) -> None:
    root = make_span("a", "", 0, 100, "client", name)
    below = make_span("b", "a", 1, 10, "internal", "tcp.connect")

    assert executions(("stock", root), ("stock", below)) == []


@pytest.mark.parametrize("kind", ["server", "consumer", None])
def test_what_serves_may_be_called_as_it_likes(kind: SpanKind | None) -> None:
    assert len(executions(("stock", make_span("a", "", 0, 100, kind, "connect")))) == 1


def test_a_job_that_calls_is_one() -> None:
    (made,) = executions(("stock", make_span("a", "", 0, 100, "client", "SELECT item")))

    assert (made.kind, made.operation) == ("job", "SELECT item")


def test_a_client_that_gave_up_or_was_answered_early_waited_all_the_time() -> None:
    spans = [
        ("shop", make_span("a", "", 0, 110)),
        ("shop", make_span("b", "a", 1, 100, "client", segment="http")),
        ("stock", make_span("c", "b", 2, 300, "server", segment="http")),
    ]

    (segment,) = executions(*spans)[0].segments

    assert (segment.duration_ms, segment.remote_ms) == (100.0, 100.0)


def test_between_an_ingress_and_what_it_forwards_to_is_a_gap() -> None:
    spans = [
        ("ingress", make_span("a", "", 0, 160, segment="http", operation="shop-ingress")),
        ("shop", make_span("b", "a", 105, 50, "server", segment="http", remote_parent=True)),
    ]

    ingress, _ = executions(*spans)

    (segment,) = ingress.segments
    assert (segment.name, segment.kind, segment.peer) == ("GET /b", "http", "shop")
    assert (segment.offset_ms, segment.duration_ms, segment.remote_ms) == (0.0, 160.0, 50.0)


def test_an_execution_that_does_more_than_forwarding_has_no_such_gap() -> None:
    spans = [
        ("shop", make_span("a", "", 0, 160, segment="http")),
        ("shop", make_span("w", "a", 1, 50, "internal", "work")),
        ("stock", make_span("b", "a", 105, 50, "server", segment="http", remote_parent=True)),
    ]

    assert [(one.name, one.duration_ms, one.remote_ms) for one in executions(*spans)[0].segments] == [
        ("work", 50.0, None),
        ("GET /b", 50.0, None),
    ]


def failed(own: str, parent: str, kind: SpanKind, error: ExecutionFailure | None, **fields: object) -> tuple[str, Span]:
    return "shop", make_span(own, parent, 1, 10, kind, own, is_error=1, error=error, **fields)


def test_the_error_is_the_innermost_exception() -> None:
    spans = [
        failed("a", "", "server", ExecutionFailure("500"), result=500),
        failed("b", "a", "internal", ExecutionFailure("ServletException", "wrapped")),
        ("shop", make_span("c", "b", 2, 8, "internal", "handler")),
        failed("d", "c", "internal", ExecutionFailure("TypeError", "no cart")),
        failed("e", "d", "client", ExecutionFailure("404"), result=404),
    ]

    (made,) = executions(*spans)

    assert made.error == ExecutionFailure("TypeError", "no cart")


def test_without_an_exception_the_status_is_the_type() -> None:
    (by_result,) = executions(failed("a", "", "server", ExecutionFailure("", "broken row"), result="INTERNAL"))
    (by_nothing,) = executions(failed("a", "", "server", None, result=500))
    (unknown,) = executions(failed("a", "", "server", None))

    assert by_result.error == ExecutionFailure("INTERNAL", "broken row")
    assert by_nothing.error == ExecutionFailure("500")
    assert (unknown.status, unknown.error) == ("error", None)


def test_exceptions_below_what_has_not_failed_say_nothing_of_it() -> None:
    (made,) = executions(
        ("shop", make_span("a", "", 0, 20)), failed("b", "a", "client", ExecutionFailure("Timeout", "first try"))
    )

    assert (made.status, made.error) == ("unset", None)
