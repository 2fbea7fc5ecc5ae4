"""Who may send: the API keys that are set."""

import hmac
from collections.abc import Mapping

from tracehound.streams.http.keys import CHALLENGE, PREFIX_LENGTH, carried, digest, names_this_machine
from tracehound.streams.http.refusal import RequestRefusedError
from tracehound.streams.settings.gateway import KeySettings, Role

NOBODY = ""
"""Who sends where no keys are set: anybody on this machine."""


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
        key = carried(headers, "x-inspector-key")
        if not key:
            raise RequestRefusedError(
                401,
                "no_key",
                "The request must carry a key in the header 'Authorization: Bearer' or 'X-API-Key'. Got none.",
                CHALLENGE,
            )
        prefix = key[:PREFIX_LENGTH]
        known = self._keys.get(prefix)
        if not hmac.compare_digest(digest(key), known.sha256 if known else digest("")) or known is None:
            raise RequestRefusedError(401, "wrong_key", "The key of the request must be known. It is not.", CHALLENGE)
        if known.role != role:
            raise RequestRefusedError(
                403, "wrong_role", f"The key must have the role '{role}'. {prefix}… has '{known.role}' instead."
            )
        return prefix


def _check_host(host: str) -> None:
    """Keep web pages out that call themselves by another name of this machine (DNS rebinding)."""
    if not names_this_machine(host):
        raise RequestRefusedError(
            403,
            "wrong_host",
            f"Without 'gateway.keys' the header 'Host' must name this machine itself. Got {host[:100]!r} instead.",
        )
