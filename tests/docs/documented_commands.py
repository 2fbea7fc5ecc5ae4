"""Commands that the pages show, in blocks and in their sentences."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from tests.checkout import PROJECT
from tests.docs.test_names import is_report, pages

_BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`((?:tracehound|make|python -m) [^`\n]+)`")
_LINE = re.compile(
    r"^(?:[^#\n]*?(?:\$ |\| |; do |&& |-- ))?(?:\.venv/bin/)?((?:tracehound|make|python -m) [^\n]*)", re.MULTILINE
)
_WRITTEN_BY_COMMANDS = PROJECT / "docs/reference/commands.md"


def documented() -> Iterator[tuple[Path, str]]:
    """Page and command, as it is written there without its comment; continued lines are one."""
    for page in pages():
        if is_report(page) or page == _WRITTEN_BY_COMMANDS:
            continue
        text = page.read_text()
        blocks = [block.replace("\\\n", " ") for block in _BLOCK.findall(text)]
        for command in (*(line for block in blocks for line in _LINE.findall(block)), *_SPAN.findall(text)):
            yield page, re.split(r"\s+#\s|;|\s+(?:\||>|<|&&?)(?:\s|$)", command)[0].strip()


def words(command: str) -> list[str]:
    """The arguments after the name of the program.

    >>> words("tracehound feedback 4f2a91 false_positive --note 'nightly batch'")
    ['feedback', '4f2a91', 'false_positive', '--note', 'nightly batch']
    """
    return shlex.split(command)[1:]
