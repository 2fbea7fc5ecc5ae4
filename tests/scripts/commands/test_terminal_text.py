"""Hostile text on the terminal."""

from hypothesis import given
from hypothesis import strategies as st

from tracehound.scripts.commands.terminal_text import printable, printable_bytes


@given(st.text())
def test_only_visible_characters_remain(text: str) -> None:
    assert printable(text).isprintable()


@given(st.binary())
def test_bytes_become_visible_characters(content: bytes) -> None:
    assert printable_bytes(content).isprintable()


def test_visible_text_stays_as_it_is() -> None:
    assert printable("GET /café 価格") == "GET /café 価格"


def test_what_steers_terminals_is_escaped() -> None:
    assert printable("\x1b]0;title\x07\r\n\u202e\x9b") == r"\x1b]0;title\x07\r\n\u202e\x9b"
