"""Names and values are read in either order, fast in both, and several names of one thing as everywhere."""

from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.streams.intake.conventions.names import by_concept, spelling_of
from tracehound.streams.intake.formats.pairs import PairReader, read_text, read_text_pair
from tracehound.streams.intake.formats.wire import framed

SPELLING = spelling_of({"method": ("http.request.method", "http.method"), "host": ("server.address",)})
NAMES = st.sampled_from([*SPELLING, "thread.id", "x" * 127])


def refuse(pair: bytes) -> NoReturn:
    raise AssertionError(f"{pair!r} is read slowly")


def pair(name: str, value: str, backwards: bool = False) -> bytes:
    parts = [framed(1, name.encode()), framed(2, value.encode())]
    return b"".join(reversed(parts) if backwards else parts)


@pytest.mark.parametrize("length", [0, 1, 100, 127, 128, 300, 16_000])
def test_neither_order_is_read_slowly(length: int) -> None:
    reader = PairReader(SPELLING, read_text, refuse)
    value = "v" * length

    for backwards in (False, True, True):
        assert reader([pair("server.address", value, backwards), pair("thread.id", "1", backwards)]) == {"host": value}


@given(st.lists(st.tuples(NAMES, st.text(max_size=4), st.booleans())))
def test_the_same_is_read_whatever_the_order(given_pairs: list[tuple[str, str, bool]]) -> None:
    reader = PairReader(SPELLING, read_text, read_text_pair)
    expected = by_concept({name: value for name, value, _ in given_pairs}, SPELLING)

    for _ in range(2):  # (then they are remembered)
        assert reader([pair(*each) for each in given_pairs]) == expected


def test_what_is_no_pair_costs_only_itself() -> None:
    reader = PairReader(SPELLING, read_text, read_text_pair)

    for odd in (b"", b"\x12", b"\x12\x05", b"\x12\x80", b"\x12\x80\x80\x80", b"\x18\x01", b"\x0a\x7fx"):
        assert reader([odd, pair("server.address", "a")]) == {"host": "a"}


def test_what_is_not_wanted_stays_so_however_much_there_is() -> None:
    reader = PairReader(SPELLING, read_text, refuse)
    unwanted = [pair(f"name.{number % 250}", f"{number}") for number in range(25_000)]
    various = [pair("request.id", f"{number}") for number in range(500)]

    for _ in range(2):
        assert reader([*unwanted, pair("http.method", "GET"), *various]) == {"method": "GET"}
