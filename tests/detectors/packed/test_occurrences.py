"""How often numbers came before, next to counting them one by one."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.packed.occurrences import Occurrences

NUMBERS = st.lists(st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1)), max_size=60)


@given(NUMBERS, st.integers(0, 60))
def test_each_is_found_as_by_counting_one_by_one(numbers: list[int], until: int) -> None:
    found = Occurrences(np.array(numbers, np.int64))
    counts: Counter[int] = Counter()
    earlier = []
    for number in numbers:
        earlier.append(counts[number])
        counts[number] += 1
    distinct = list(counts)
    assert found.earlier.tolist() == earlier
    assert [numbers[row] for row in found.first] == distinct
    assert [distinct[place] for place in found.place.tolist()] == numbers
    assert found.until(until).tolist() == [numbers[:until].count(number) for number in distinct]
    rows = [[row for row, other in enumerate(numbers) if other == number] for number in distinct]
    assert [one.tolist() for one in found.rows()] == rows
