"""Cutting arrays into elements."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.json_array import split_array

SCALARS = st.none() | st.booleans() | st.floats() | st.text('a"\\[]{},:é', max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('x"]', max_size=3), inner, max_size=3)
)


@given(values=st.lists(VALUES, max_size=5), blank=st.sampled_from(["", " ", "\n\t"]))
def test_elements_are_slices_of_the_array_even_with_nan(values: list[object], blank: str) -> None:
    elements = [json.dumps(value, ensure_ascii=False) for value in values]
    array = "[" + ",".join(blank + element + blank for element in elements) + "]"
    assert split_array(array.encode()) == [element.encode() for element in elements]


@pytest.mark.parametrize("value", [b"", b"{}", b"[1,,NaN]", b"[NaN}", b"[NaN]]", b"[NaN] 1", b'["NaN', b"[NaN,]"])
def test_what_is_no_array_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError):
        split_array(value)


def test_an_element_may_be_nested_too_deeply() -> None:
    bomb = b"[" * 50_000 + b"]" * 50_000
    assert split_array(b"[1," + bomb + b",2]") == [b"1", bomb, b"2"]
