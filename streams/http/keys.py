"""API keys: made, carried by requests, and kept as digests only."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tracehound.streams.settings.gateway import is_loopback

PREFIX_LENGTH = len("th_") + 8
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tracehound"'}
"""The header of an answer to a request without a key that is known."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: to be told once, and what to keep of it."""

    key: str
    prefix: str
    sha256: str


def new_key() -> NewKey:
    """Make a key: ``th_``, eight digits that may be known, and 32 random bytes that may not."""
    prefix = f"th_{secrets.token_hex(4)}"
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    return NewKey(key, prefix, digest(key))


def digest(key: str) -> str:
    """What is kept of a key. It holds 256 random bits, so that one round of SHA-256 is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def carried(headers: Mapping[str, str], *names: str) -> str:
    """The key that a request carries as ``Authorization: Bearer``, as ``X-API-Key`` or in a header of ``names``.

    >>> carried({"authorization": "Bearer th_1"}), carried({"x-api-key": "th_2"}), carried({})
    ('th_1', 'th_2', '')
    """
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    return next((headers[name].strip() for name in ("x-api-key", *names) if headers.get(name)), "")


def names_this_machine(host: str) -> bool:
    """Whether the header ``Host`` is an address of this machine itself: a web page that calls itself by another name
    of it (DNS rebinding) is told by that.

    >>> names_this_machine("localhost:4318"), names_this_machine("shop.example")
    (True, False)
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    return is_loopback(name)
