"""The examples in what is run as a program: pytest passes over files of that name, since some run when imported."""

import doctest
import importlib
import pkgutil

import pytest

import tracehound

PROGRAMS = sorted(
    module.name
    for module in pkgutil.walk_packages(tracehound.__path__, "tracehound.", onerror=lambda name: None)
    if module.name.endswith(".__main__")
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_examples_of_programs_give_what_they_say(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_there_are_such_examples() -> None:
    found = [doctest.DocTestFinder().find(importlib.import_module(name)) for name in PROGRAMS]
    assert sum(bool(test.examples) for tests in found for test in tests) >= 2
