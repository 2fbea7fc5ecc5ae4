"""Generated parts of Markdown files: each stands between two marker lines that name it."""

import re
from collections.abc import Callable, Mapping

Blocks = Mapping[str, Callable[[], str]]
"""What is generated, by the name that the marker lines give."""

_MARKED = re.compile(r"<!-- (?P<name>[\w-]+): begin -->\n.*?<!-- (?P=name): end -->", re.DOTALL)
_MARKER = re.compile(r"<!-- (?P<name>[\w-]+): (?:begin|end) -->")


def with_blocks(text: str, blocks: Blocks) -> str:
    """``text`` with every marked part generated anew.

    Raises:
        ValueError: a marker has no partner, or names what nobody generates.

    >>> with_blocks("<!-- sum: begin -->\\n<!-- sum: end -->", {"sum": lambda: "1 + 1 = 2"})
    '<!-- sum: begin -->\\n1 + 1 = 2\\n<!-- sum: end -->'
    """
    rest = _MARKED.sub("", text)
    if alone := _MARKER.search(rest):
        raise ValueError(f"The marker {alone[0]!r} must have its partner in the same file.")

    def anew(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in blocks:
            raise ValueError(f"A generated part must be one of {', '.join(sorted(blocks))}. Got {name!r} instead.")
        return f"<!-- {name}: begin -->\n{blocks[name]()}\n<!-- {name}: end -->"

    return _MARKED.sub(anew, text)


def names_in(text: str) -> list[str]:
    """Names of the generated parts of ``text``, in their order."""
    return [found["name"] for found in _MARKED.finditer(text)]
