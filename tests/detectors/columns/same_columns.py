"""Columns of executions and of their segments next to each other."""

from dataclasses import fields

import numpy as np

from tracehound.detectors.columns.columned_executions import ColumnedExecutions
from tracehound.detectors.columns.heads import Heads
from tracehound.detectors.columns.segment_columns import SegmentColumns
from tracehound.schemas.execution import whole


def assert_same_columns(found: SegmentColumns, expected: SegmentColumns) -> None:
    """Both must hold the same of the same type, number by number."""
    assert found.names is expected.names
    for column in fields(SegmentColumns):
        if column.name != "names":
            _assert_same_column(found, expected, column.name)


def assert_same(found: ColumnedExecutions, expected: ColumnedExecutions) -> None:
    """Both must be the same executions with the same columns, whatever the numbers of their names are."""
    assert list(map(whole, found)) == list(map(whole, expected))
    assert_same_columns(found.columns, expected.columns)
    for name in ("kind", "started_s", "failed", "memory_mb", "adjusted", "waiting"):
        _assert_same_column(found.heads, expected.heads, name)
    assert found.heads.waits == expected.heads.waits
    for kind in ("application", "operation", "version", "error"):
        assert _named(found.heads, kind) == _named(expected.heads, kind), kind


def _named(heads: Heads, kind: str) -> list[object]:
    names = getattr(heads.names, f"{kind}s").names
    return [names[number] for number in getattr(heads, kind).tolist()]


def _assert_same_column(found: object, expected: object, name: str) -> None:
    one, other = getattr(found, name), getattr(expected, name)
    if one is None or other is None:
        assert one is other, name
        return
    assert one.dtype == other.dtype, name
    assert np.array_equal(one, other, equal_nan=one.dtype == np.float64), name
