"""Whether spans failed and with what error, by the conventions of each protocol."""

import pytest

from tracehound.schemas.execution import ExecutionFailure, SegmentKind
from tracehound.schemas.spans import SpanKind
from tracehound.streams.intake.conventions.failures import error_told, failure_of, is_failed, rpc_failed

KEY_ERROR = {"exception.type": "KeyError", "exception.message": "'x'"}


@pytest.mark.parametrize("kind", ["server", "client", "internal", "consumer", None])
@pytest.mark.parametrize("raised", [True, False])
def test_a_status_that_is_set_decides(kind: SpanKind | None, raised: bool) -> None:
    assert [is_failed(code, kind, "http", 500, True, raised) for code in (1, 2)] == [0, 1]


@pytest.mark.parametrize(
    ("kind", "segment", "result", "failed"),
    [
        ("server", "http", 404, None),  # an exception became the answer
        ("server", "http", None, 1),  # the handler panicked before it answered
        ("server", None, None, 1),
        ("server", "rpc", 0, 1),  # gRPC's instrumentation for Python writes 0 then
        ("server", "rpc", "OK", 1),
        ("server", "rpc", None, 1),
        ("server", "rpc", 5, None),
        ("server", "rpc", "NOT_FOUND", None),
        ("client", "http", None, None),
        ("internal", None, None, None),
        ("consumer", None, None, None),
        (None, None, None, None),
    ],
)
def test_an_exception_without_a_status_is_a_failure_where_nobody_can_have_handled_it(
    kind: SpanKind | None, segment: SegmentKind | None, result: str | int | None, failed: int | None
) -> None:
    assert is_failed(0, kind, segment, result, raised=True) == failed
    assert is_failed(0, kind, segment, result, raised=False) is None


@pytest.mark.parametrize("status", [2, 4, 12, 13, 14, 15, "INTERNAL", "DEADLINE_EXCEEDED"])
def test_a_server_fails_by_these_statuses_of_rpc(status: str | int) -> None:
    assert rpc_failed(status)
    assert is_failed(0, "server", "rpc", status, by_result=True) == 1


@pytest.mark.parametrize("status", [0, 1, 3, 5, 6, 7, 8, 9, 10, 11, 16, "OK", "NOT_FOUND", None, "other"])
def test_others_are_the_callers_or_nobodys(status: str | int | None) -> None:
    assert not rpc_failed(status)


def test_an_exception_tells_more_than_the_status() -> None:
    assert failure_of(1, "failed", "500", KEY_ERROR) == ExecutionFailure("KeyError", "'x'")
    assert failure_of(1, "failed", "500", {}) == ExecutionFailure("500", "failed")
    assert failure_of(1, "failed", "500", None) == ExecutionFailure("500", "failed")


@pytest.mark.parametrize("is_error", [None, 0])
def test_an_exception_of_a_span_that_has_not_failed_was_handled(is_error: int | None) -> None:
    assert failure_of(is_error, "", None, {"exception.type": "KeyError"}) == ExecutionFailure("KeyError", "", True)


def test_without_failure_or_words_for_it_there_is_no_error() -> None:
    assert failure_of(None, "fine", "500", None) is None
    assert failure_of(1, "", None, None) is None
    assert failure_of(1, "", None, None, "true") is None


def test_a_tag_tells_what_is_still_open() -> None:
    assert failure_of(1, "", None, None, "out of stock") == ExecutionFailure("", "out of stock")
    assert failure_of(1, "failed", None, None, "shop.NoStockException") == ExecutionFailure(
        "shop.NoStockException", "failed"
    )
    assert failure_of(1, "", None, KEY_ERROR, "404") == ExecutionFailure("KeyError", "'x'")
    assert error_told("Connection refused: no such Error") == ("", "Connection refused: no such Error")


def test_long_errors_are_cut() -> None:
    assert failure_of(1, "m" * 5_000, "t" * 5_000, None) == ExecutionFailure("t" * 200, "m" * 1_000)
