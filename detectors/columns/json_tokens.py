"""What JSON is made of, read by kernels: blanks, known words, strings, and whole values that are passed over."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tracehound.detectors.columns.byte_words import end_of_string, word_at
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

SEPARATOR: Final = b"\0"
"""Between texts: it ends strings, numbers and blanks, and is part of nothing that is read here."""
OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET = 123, 125, 91, 93
QUOTE, BACKSLASH, COMMA, COLON, SPACE = 34, 92, 44, 58, 32
_END, _TAB, _LINE, _RETURN = 0, 9, 10, 13
_BACKSPACE, _FORM_FEED, _N, _R, _T, _SLASH = 98, 102, 110, 114, 116, 47


def words(given: Sequence[str]) -> Any:
    """For kernels, words (k,) of at most 15 letters, each with the quote that ends it: how long it is, the masks of
    its first and second eight bytes, and these.
    """
    quoted = [f'{word}"'.encode() for word in given]
    return (
        np.array([len(word) for word in quoted]),
        np.array([[256 ** min(8, one) - 1, 256 ** max(0, one - 8) - 1] for one in map(len, quoted)], np.uint64),
        np.array([np.frombuffer(word.ljust(16, b"\0"), np.uint64) for word in quoted]),
    )


@njit(**LEAN, forceinline=True)
def after_blanks(text: Any, at: int) -> int:
    """The next place that is not blank."""
    while text[at] <= SPACE and (text[at] == SPACE or text[at] == _LINE or text[at] == _RETURN or text[at] == _TAB):
        at += 1
    return at


@njit(**LEAN, forceinline=True)
def word_of(text: Any, at: int, known: Any, likely: int) -> Any:
    """Which of the words ``known`` begins at ``at`` and ends with a quote, -1 for none, and what follows the quote;
    those from ``likely`` on are tried first.
    """
    lengths, masks, values = known
    first, second = word_at(text, at), word_at(text, at + 8)
    for tried in range(lengths.size):
        word = likely + tried
        if word >= lengths.size:
            word -= lengths.size
        if first & masks[word, 0] == values[word, 0] and second & masks[word, 1] == values[word, 1]:
            return word, at + lengths[word]
    return -1, -1


@njit(**LEAN, forceinline=True)
def next_field(text: Any, at: int, seen: int, likely: int, known: Any) -> Any:
    """Which of the words ``known`` names the field that follows at ``at`` in an object, and where its value begins; -1
    and -1 where it is none of them, or one that was ``seen`` (bits) before.
    """
    if seen:
        if text[at] != COMMA:
            return -1, -1
        at = after_blanks(text, at + 1)
    if text[at] != QUOTE:
        return -1, -1
    field, at = word_of(text, at + 1, known, likely)
    if field < 0 or seen & (1 << field):
        return -1, -1
    at = after_blanks(text, at)
    if text[at] != COLON:
        return -1, -1
    return field, after_blanks(text, at + 1)


@njit(**LEAN, forceinline=True)
def after_string(text: Any, at: int) -> int:
    """What follows the quote that ends the string from ``at`` on; -1 where it has control characters. Which escapes it
    has is not looked at.
    """
    while True:
        at = end_of_string(text, at)
        if text[at] == QUOTE:
            return at + 1
        if text[at] != BACKSLASH or text[at + 1] < SPACE:
            return -1
        at += 2


@njit(**LEAN, forceinline=True)
def after_plain_string(text: Any, at: int) -> int:
    """What follows the quote that ends the string from ``at`` on; -1 where it has control characters, or escapes of
    more than one letter.
    """
    while True:
        at = end_of_string(text, at)
        if text[at] == QUOTE:
            return at + 1
        if text[at] != BACKSLASH:
            return -1
        escaped = text[at + 1]
        if escaped not in (QUOTE, BACKSLASH, _SLASH, _N, _T, _R, _BACKSPACE, _FORM_FEED):
            return -1
        at += 2


@njit(**LEAN, forceinline=True)
def after_null(text: Any, at: int) -> int:
    """What follows ``null`` at ``at``; -1 where there is none."""
    if text[at] == 110 and text[at + 1] == 117 and text[at + 2] == 108 and text[at + 3] == 108:  # null
        return at + 4
    return -1


@njit(**LEAN, forceinline=True)
def truth_at(text: Any, at: int) -> Any:
    """1 or 0 for ``true`` or ``false`` at ``at`` and what follows it; -1 twice where there is neither."""
    if text[at] == 116 and text[at + 1] == 114 and text[at + 2] == 117 and text[at + 3] == 101:  # true
        return 1, at + 4
    if text[at] == 102 and text[at + 1] == 97 and text[at + 2] == 108 and text[at + 3] == 115 and text[at + 4] == 101:
        return 0, at + 5
    return -1, -1


@njit(**LEAN)
def after_object(text: Any, at: int) -> int:
    """What follows the object that begins at ``at``, by its quotes and brackets alone; -1 where they do not match."""
    depth = 0
    while True:
        byte = text[at]
        if byte == QUOTE:
            at = after_string(text, at + 1)
            if at < 0:
                return -1
            continue
        if byte in (OPEN_BRACE, OPEN_BRACKET):
            depth += 1
        elif byte in (CLOSE_BRACE, CLOSE_BRACKET):
            depth -= 1
            if depth == 0:
                return at + 1
        elif byte == _END:
            return -1
        at += 1
