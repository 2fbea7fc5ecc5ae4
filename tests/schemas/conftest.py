"""Valid executions as plain JSON values, for Hypothesis."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

KINDS = ["request", "job", "consumer", "command", "log"]
SEGMENT_KINDS = ["db", "http", "rpc", "cache", "queue", "view", "code"]
STATUSES = ["ok", "error", "unset"]
NOW_S = 1_767_225_600.0


def _text(least: int = 0, most: int = 40) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=most)


def _milliseconds() -> st.SearchStrategy[float]:
    return st.floats(0, 1e9) | st.integers(0, 10**9)


def _moments() -> st.SearchStrategy[float | str]:
    return (
        st.floats(0, NOW_S)
        | st.integers(0, int(NOW_S))
        | st.sampled_from(["2025-12-31T23:59:59.5Z", "2025-06-01T12:00:00+02:00", "1970-01-01t00:00:00z"])
    )


@st.composite
def segment_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to four segments whose parents come before them."""
    segments = []
    for index in range(draw(st.integers(0, 4))):
        optional: dict[str, st.SearchStrategy[Any]] = {
            "kind": st.sampled_from(SEGMENT_KINDS),
            "offset_ms": st.none() | st.floats(-10, 1e6),
            "status": st.sampled_from(STATUSES),
            "peer": st.none() | _text(),
            "span_id": st.none() | _text(),
            "remote_ms": st.none() | _milliseconds(),
            "unknown": st.integers() | _text(),
            "parent": st.none() | (st.integers(0, index - 1) if index else st.nothing()),
        }
        required = {"name": _text(1), "duration_ms": _milliseconds()}
        segments.append(draw(st.fixed_dictionaries(required, optional=optional)))
    return segments


def execution_values(application: str | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Valid executions, not later than NOW_S; all of one application if it is given."""
    attribute = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | _text()
    return st.fixed_dictionaries(
        {
            "application": _text(1, 200) if application is None else st.just(application),
            "operation": _text(1),
            "started_at": _moments(),
            "duration_ms": _milliseconds(),
        },
        optional={
            "trace_id": _text(),
            "span_id": _text(),
            "parent_span_id": _text(),
            "kind": st.sampled_from(KINDS),
            "status": st.sampled_from(STATUSES),
            "result": st.none() | st.integers(-(2**63), 2**63 - 1) | _text(),
            "environment": _text(0, 200),
            "version": _text(),
            "host": _text(),
            "memory_peak_mb": st.none() | _milliseconds(),
            "cpu_ms": st.none() | _milliseconds(),
            "error": st.none()
            | st.fixed_dictionaries({}, optional={"type": _text(), "message": _text(), "handled": st.booleans()}),
            "attributes": st.dictionaries(_text(), attribute | st.lists(attribute, max_size=3), max_size=3),
            "segments": segment_lists(),
            "unknown": st.recursive(attribute, lambda inner: st.lists(inner, max_size=3), max_leaves=5),
        },
    )


@pytest.fixture(scope="session")
def executions_of() -> Callable[[str | None], st.SearchStrategy[dict[str, Any]]]:
    """Makes strategies of valid executions."""
    return execution_values


@pytest.fixture(scope="session")
def now_s() -> float:
    """A record's timestamp that no generated execution lies after."""
    return NOW_S
