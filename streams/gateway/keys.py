"""Who may send: API keys, of which only digests are known."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tracehound.streams.gateway.refusal import RequestRefusedError
from tracehound.streams.settings.gateway import KeySettings, Role, is_loopback

_PREFIX_LENGTH = len("th_") + 8
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tracehound"'}
NOBODY = ""
"""Who sends where no keys are set: anybody on this machine."""


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


class KeyRing:
    """Knows keys again.

    Parameters:
        keys: by their beginnings; none: everybody on this machine may send, and nobody else can.
    """

    def __init__(self, keys: Mapping[str, KeySettings]) -> None:
        self._keys = keys

    def admitted(self, headers: Mapping[str, str], role: Role) -> str:
        """The beginning of the key that a request carries, as ``Authorization: Bearer`` or as ``X-API-Key``; clients
        of Inspector have ``X-Inspector-Key`` for it.

        Raises:
            RequestRefusedError: there is none, or it is unknown (401), or good for something else (403).
        """
        if not self._keys:
            _check_host(headers.get("host", ""))
            return NOBODY
        key = _carried(headers)
        if not key:
            raise RequestRefusedError(
                401,
                "no_key",
                "The request must carry a key in the header 'Authorization: Bearer' or 'X-API-Key'. Got none.",
                _CHALLENGE,
            )
        prefix = key[:_PREFIX_LENGTH]
        known = self._keys.get(prefix)
        if not hmac.compare_digest(digest(key), known.sha256 if known else digest("")) or known is None:
            raise RequestRefusedError(401, "wrong_key", "The key of the request must be known. It is not.", _CHALLENGE)
        if known.role != role:
            raise RequestRefusedError(
                403, "wrong_role", f"The key must have the role '{role}'. {prefix}… has '{known.role}' instead."
            )
        return prefix


def _carried(headers: Mapping[str, str]) -> str:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    return (headers.get("x-api-key") or headers.get("x-inspector-key", "")).strip()


def _check_host(host: str) -> None:
    """Keep web pages out that call themselves by another name of this machine (DNS rebinding)."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    if not is_loopback(name):
        raise RequestRefusedError(
            403,
            "wrong_host",
            f"Without 'gateway.keys' the header 'Host' must name this machine itself. Got {host[:100]!r} instead.",
        )
