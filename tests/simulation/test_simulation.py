"""Two hundred stories end well; protocols that are broken on purpose are found; a bad story can be told again."""

import re
import subprocess
import sys

from tests.broken_protocols import BROKEN
from tests.checkout import PROJECT


def simulation(*arguments: str) -> tuple[int, list[str]]:
    """Status and lines of the command."""
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def test_two_hundred_stories_end_well() -> None:
    status, said = simulation("--seeds", "200", "--processes", "2")
    assert (status, said[:-1]) == (0, [])
    assert "200 seeds, 0 of them" in said[-1]


def test_broken_protocols_are_found_and_a_bad_story_is_the_same_in_another_process() -> None:
    status, said = simulation("--seeds", "200", "--broken", "only")
    found = [line.removeprefix("found: ") for line in said if line.startswith("found: ")]
    assert (status, len(found)) == (0, len(BROKEN)), said
    for story in found[:2]:
        (name,) = re.findall(r"REPLAY=([\w:]+)", story)
        status, said = simulation("--replay", name)
        assert (status, said[-1]) == (1, story)
        assert len(said) > 1
