"""What an execution says about itself beside what it did: host, version, and attributes that tell nobody's identity."""

import re
from functools import lru_cache
from itertools import islice
from typing import Any

from tracehound.schemas.execution import ExecutionHead

HOST, VERSION = "host", "version"
Pair = tuple[str, str]
"""The name of an attribute, and its value as text."""
MOST_PAIRS = 12
"""The most pairs of an execution that are looked at: host, version, and the first attributes that may be."""
LONGEST = 64
"""Characters of a name or value; longer ones are left out (those of hosts and versions are cut)."""
_LOOKED_AT = 32
_LARGEST_NUMBER = 10_000
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_OF_A_PERSON = re.compile(r"@|\d[\d ()./:-]{5,}")
"""E-mail addresses, and numbers as telephones, cards, accounts and IP addresses have them."""


def pairs_of(execution: ExecutionHead, private: frozenset[str]) -> list[Pair]:
    """Host, version and plain attributes of an execution, in its order.

    Left out is an attribute with a word in its name that is in ``private`` (lower case; ``*`` stands for all words),
    and what is long, nested, invisible, a fraction or a large number, or looks like an address or a number of a person.

    >>> one = ExecutionHead("shop", "GET /", 0.0, 1.0, host="shop-0", attributes={"tier": "gold", "userName": "Ada"})
    >>> pairs_of(one, frozenset({"user"}))
    [('host', 'shop-0'), ('tier', 'gold')]
    """
    found = [(name, value[:LONGEST]) for name, value in ((HOST, execution.host), (VERSION, execution.version)) if value]
    if not execution.attributes:
        return found
    for name, value in islice(execution.attributes.items(), _LOOKED_AT):
        text = _text(value)
        if text and is_public(name, private):
            found.append((name, text))
            if len(found) == MOST_PAIRS:
                break
    return found


@lru_cache(maxsize=4_096)
def is_public(name: str, private: frozenset[str]) -> bool:
    """Whether the values of an attribute of this name may be told.

    >>> [is_public(name, frozenset({"user", "ip"})) for name in ("zone", "enduser.id", "user_id", "clientIP", "ship")]
    [True, True, False, False, True]
    """
    if len(name) > LONGEST or not name.isprintable() or name in (HOST, VERSION) or "*" in private:
        return False
    return private.isdisjoint(word.lower() for word in _WORDS.findall(name))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < _LARGEST_NUMBER else ""
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable() or _OF_A_PERSON.search(value):
        return ""
    return value
