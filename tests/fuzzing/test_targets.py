"""A short look at what ``make fuzz`` looks at for long: good bytes, and some changed ones."""

import pytest

from tests.fuzzing.targets import TARGETS, Target
from tracehound.scripts.strangers.mutation import mutated

COUNT = 150


def look(target: Target, seed: str) -> None:
    """Let a target read good bytes, none, and some that are changed."""
    seeds = target.seeds()
    assert seeds
    for value in [*seeds, b"", *mutated(seeds, COUNT, seed)]:
        target.read(value)


@pytest.mark.parametrize("name", TARGETS)
def test_good_and_changed_bytes_are_read_as_they_should_be(name: str) -> None:
    look(TARGETS[name], name)


def _read_text(value: bytes) -> None:
    value.decode()


def test_what_fails_at_a_changed_byte_is_found() -> None:
    with pytest.raises(UnicodeDecodeError):
        look(Target(_read_text, lambda: [b'{"name":"shop"}']), "any")
