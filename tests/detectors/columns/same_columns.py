"""Columns of segments next to each other."""

from dataclasses import fields

import numpy as np

from tracehound.detectors.columns.segment_columns import SegmentColumns


def assert_same_columns(found: SegmentColumns, expected: SegmentColumns) -> None:
    """Both must hold the same of the same type, number by number."""
    assert found.names is expected.names
    for column in fields(SegmentColumns):
        if column.name != "names":
            one, other = getattr(found, column.name), getattr(expected, column.name)
            assert one.dtype == other.dtype, column.name
            assert np.array_equal(one, other, equal_nan=one.dtype == np.float64), column.name
