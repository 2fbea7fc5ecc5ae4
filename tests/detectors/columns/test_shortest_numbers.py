"""Numbers as kernels write them, next to what the encoder of JSON writes."""

import msgspec
import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tracehound.detectors.columns.shortest_numbers import BELOW, LEAST, LONGEST_NUMBER, NOT_WRITTEN, write_number

NS = st.integers(0, 2**53)
NUMBERS = st.one_of(
    st.floats(LEAST, BELOW, exclude_max=True),
    NS.map(lambda duration: duration / 1e3 / 1e3),
    NS.map(lambda started: (1_767_225_600_000_000 + started / 1e3) / 1e6),
    st.integers(0, 10**16 - 2).map(float),
    st.tuples(st.integers(1, 10**9), st.integers(0, 5)).map(lambda given: given[0] / 10 ** given[1]),
    st.integers(-16, 53).map(lambda power: 2.0**power),
)


def written(number: float) -> bytes | None:
    text = np.full(LONGEST_NUMBER + 1, 7, np.uint8)
    end = write_number(text, 0, number)
    assert text[-1] == 7
    return None if end == NOT_WRITTEN else text[:end].tobytes()


@settings(max_examples=3_000, deadline=None)
@example(0.0)
@example(1.7976931348623157e-5)
@example(9007199254740993.0)
@example(5e-324)
@given(NUMBERS)
def test_a_number_is_written_as_the_encoder_writes_it(number: float) -> None:
    assert written(number) == (msgspec.json.encode(number) if number == 0.0 or number >= LEAST else None)


def test_what_is_not_written_here_is_left_to_others() -> None:
    for number in (-0.0, -1.5, 9e-6, 1e16, 1e300, float("inf"), float("-inf"), float("nan")):
        assert written(number) is None
