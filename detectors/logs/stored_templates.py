"""Templates as they are stored: plain lists and texts, checked before they are used again."""

import msgspec

_LONGEST_WORD = 1_100
_LONGEST_NAME = 400
_MOST_CHILDREN = 10_000
_LARGEST = 2**63 - 1


class StoredTemplate(msgspec.Struct, array_like=True):
    """One template: its number, words (the first is its level), messages so far, and what it is called."""

    template_id: int
    tokens: list[str]
    count: int
    first: str
    name: str


class StoredNode(msgspec.Struct, array_like=True):
    """A node of the tree that templates are found by."""

    children: dict[str, "StoredNode"]
    template_ids: list[int]


class StoredTemplates(msgspec.Struct, array_like=True):
    """All templates of an application, the least recently seen first, and the number of the newest."""

    counter: int
    templates: list[StoredTemplate]
    root: StoredNode


def check(stored: StoredTemplates, most_tokens: int, depth: int) -> None:
    """Check what the types do not say.

    Raises:
        ValueError: numbers or sizes are impossible, or templates are found nowhere, or twice.
    """
    numbers = [one.template_id for one in stored.templates]
    known = set(numbers)
    _require(0 <= stored.counter < _LARGEST, "counter", stored.counter)
    _require(len(known) == len(numbers), "templates", "a number twice")
    for one in stored.templates:
        _require(0 < one.template_id <= stored.counter, "template_id", one.template_id)
        _require(0 < one.count < _LARGEST, "count", one.count)
        _require(0 < len(one.tokens) <= most_tokens, "tokens", len(one.tokens))
        _require(max(map(len, one.tokens)) <= _LONGEST_WORD, "tokens", "a longer one")
        _require(0 < len(one.first) <= _LONGEST_NAME and 0 < len(one.name) <= _LONGEST_NAME, "name", len(one.name))
    found: list[int] = []
    _check_node(stored.root, depth, found)
    among = [number for number in found if number in known]
    _require(len(among) == len(known) == len(set(among)), "root", "templates that are not in it once")


def _check_node(node: StoredNode, depth: int, found: list[int]) -> None:
    _require(depth >= 0 and len(node.children) <= _MOST_CHILDREN, "root", "a larger tree")
    found += node.template_ids
    for child in node.children.values():
        _check_node(child, depth - 1, found)


def _require(holds: bool, name: str, given: object) -> None:
    if not holds:
        raise ValueError(f"The '{name}' of stored templates is none that was written. Got {given} instead.")
