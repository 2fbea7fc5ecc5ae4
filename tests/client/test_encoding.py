"""Whatever an application puts into an execution, workers read it."""

import json
import math
import time
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution import whole
from tracehound.schemas.execution_rules import Limits
from tracehound_client import Execution
from tracehound_client.encoding import MOST_BYTES, encoded

OF_ALL = {"application": "shop"}
ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(st.characters(), max_size=3_000),
    st.binary(),
    st.decimals(allow_nan=True),
    st.lists(st.integers()),
    st.just(object()),
)


@given(ANYTHING, ANYTHING, st.dictionaries(st.text(st.characters(), max_size=300), ANYTHING), st.text(st.characters()))
def test_anything_is_valid(operation: Any, result: Any, attributes: dict[str, Any], name: str) -> None:
    execution = Execution(operation)
    execution.result = result
    execution.attributes = attributes
    outer = execution.begin_segment(name, "db", None)
    inner = execution.begin_segment(operation, "code", outer)
    assert inner is not None
    inner.peer = name
    execution.fail(ValueError(name))
    execution.end()

    decoded = decode_record(encoded(execution, OF_ALL), Limits(), time.time())

    assert decoded.rejected == []
    assert [one.parent for one in whole(decoded.executions[0]).segments] == [None, 0]


def test_plain_attributes_are_kept_and_others_left_out() -> None:
    execution = Execution("x")
    plain = {"n": 1, "f": 2.5, "b": True, "t": "text"}
    others = [None, math.inf, [1], Decimal(1), 2**70, Fraction(10**400)]
    execution.attributes = plain | {str(place): value for place, value in enumerate(others)}
    execution.end()
    assert json.loads(encoded(execution, OF_ALL))["attributes"] == plain


def test_what_is_too_long_goes_without_its_segments() -> None:
    execution = Execution("x")
    for _ in range(900):
        execution.begin_segment("\u00e4" * 1_000, "db", None)
    execution.end()
    content = encoded(execution, OF_ALL)
    assert len(content) < MOST_BYTES
    assert json.loads(content)["attributes"] == {"segments_left_out": 900}
